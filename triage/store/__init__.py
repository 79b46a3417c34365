"""The decision store: tables, queries, sessions and migrations."""
