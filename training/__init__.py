"""Fits, measures and registers models from historical appeals."""
