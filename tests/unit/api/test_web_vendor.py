from __future__ import annotations

import hashlib
import json
from pathlib import Path

import api.web

VENDOR = Path(api.web.__file__).parent / "static" / "vendor"


def test_vendor_files_are_those_of_their_packages() -> None:
    packages = json.loads((VENDOR / "VENDOR.json").read_text(encoding="utf-8"))
    stated = {name: digest for one in packages for name, digest in one["files"].items()}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name not in ("VENDOR.json", "README.md")
    }

    assert there == stated
    assert all(any(name.endswith("LICENSE") for name in one["files"]) for one in packages)
    assert all({"npm", "version", "licence"} <= one.keys() for one in packages)
