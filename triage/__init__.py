"""Decides where an appeal goes, and remembers why."""
