"""Distils any sentence-transformers model into a static encoder for Russian and Kazakh."""
