"""Addresses of pages: the same page in another language, a list with another filter."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

HOME = "/"
PAGES = "/pages/"


def link(path: str, parameters: Mapping[str, str | None]) -> str:
    """Return a path with those parameters that have a value.

    >>> link("/pages/queue", {"category": "ROADS", "search": None})
    '/pages/queue?category=ROADS'
    """
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path}?{query}" if query else path


def changed(url: str, **parameters: str | None) -> str:
    """Return a URL with some parameters changed, None and empty ones taken away.

    >>> changed("/pages/queue?search=снег&lang=ru", lang="kk")
    '/pages/queue?search=%D1%81%D0%BD%D0%B5%D0%B3&lang=kk'
    """
    split = urlsplit(url)
    return link(split.path, dict(parse_qsl(split.query)) | parameters)
