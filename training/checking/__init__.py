"""Checks labelled appeals before a model is fitted on them."""
