"""Headers that every answer carries, so that browsers do nothing with it that nobody meant."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
# Swagger UI begins with a script in its page and sets styles; nobody's data are on it.
DOCS_POLICY = (
    f"{PAGE_POLICY}; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:"
)
DOCS = "/docs"

STATIC = ("/static/", "/static-offline-docs/")
"""Files that hold nobody's data. Browsers keep them, and ask whether they are still the same."""

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HTTPS_ONLY = "max-age=31536000"
"""One year; the host's other names are not ours to speak for."""


def harden(headers: MutableHeaders, path: str, *, https_only: bool) -> None:
    """Add to an answer's headers what is not there yet.

    Parameters
    ----------
    https_only
        Whether people know this service by an address that begins with ``https:``.
    """
    for name, value in COMMON.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", _policy(headers, path))
    headers.setdefault("Cache-Control", "no-cache" if path.startswith(STATIC) else "no-store")
    if https_only:
        headers.setdefault("Strict-Transport-Security", HTTPS_ONLY)


def _policy(headers: MutableHeaders, path: str) -> str:
    if not headers.get("content-type", "").startswith("text/html"):
        return DATA_POLICY
    return DOCS_POLICY if path.startswith(DOCS) else PAGE_POLICY
