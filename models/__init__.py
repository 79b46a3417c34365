"""Scores text. Knows no SQL, no HTTP and no taxonomy: labels are opaque strings."""
