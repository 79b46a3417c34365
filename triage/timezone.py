"""The time zone that days are counted in."""

from __future__ import annotations

from datetime import timedelta, timezone

KAZAKHSTAN = timezone(timedelta(hours=5))
"""One time zone for the whole country since March 2024."""
