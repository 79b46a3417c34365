"""Which methods a path has, for who asked with another."""

from __future__ import annotations

from functools import cache
from re import Pattern

from fastapi import Request
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path


def allowed_methods(request: Request) -> str:
    """Return the methods of all routes at the path of a request, as the header Allow lists them.

    The framework names those of the first route that it finds, and of another path's that has a
    variable in this place.
    """
    path = request.url.path
    found: dict[str, set[str]] = {}
    for route in iter_route_contexts(request.app.routes):
        template = getattr(route, "path", None)
        if template is not None and route.methods and _pattern(template).match(path):
            found.setdefault(template, set()).update(route.methods)
    named = found.get(path) or set().union(*found.values())
    return ", ".join(sorted(named))


@cache
def _pattern(template: str) -> Pattern[str]:
    return compile_path(template)[0]
