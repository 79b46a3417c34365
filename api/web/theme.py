"""The pages' colours: light, dark, or as the reader's system has them."""

from __future__ import annotations

from fastapi import Request

THEMES = ("light", "dark", "auto")
COOKIE = "theme"


def choose_theme(request: Request) -> str:
    """Return the theme that was asked for: by link, or before."""
    asked = request.query_params.get(COOKIE), request.cookies.get(COOKIE)
    return next((one for one in asked if one in THEMES), "auto")
