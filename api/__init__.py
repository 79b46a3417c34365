"""Serves the triage service over HTTP, as pages and on the command line."""
