"""Snapshots of labelled appeals: from what people said in the store to one file."""
