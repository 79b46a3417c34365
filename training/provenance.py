"""Which code made something: the package's version and a hash of its source."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "appeal-triage"
PARTS = ("models", "training", "triage")
ROOT = Path(__file__).parent.parent
HASH_CHARS = 12


@cache
def code_version() -> str:
    """Return ``version+hash``; the hash tells what was changed between two versions."""
    digest = hashlib.sha256()
    for path in sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    try:
        number = version(PACKAGE)
    except PackageNotFoundError:
        number = "0"
    return f"{number}+{digest.hexdigest()[:HASH_CHARS]}"
