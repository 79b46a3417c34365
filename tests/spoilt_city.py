"""Ways to spoil a city's files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from triage.citydata import Problem

DATA = Path(__file__).parent / "unit" / "triage" / "data"
FILES = ("districts.csv", "streets.csv", "taxonomy.csv", "enterprises.csv", "appeals.jsonl")
Defect = Callable[[bytes], bytes]


def spoil(path: Path, defect: Defect) -> None:
    path.write_bytes(defect(path.read_bytes()))


def told(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def swap(old: str, new: str) -> Defect:
    def defect(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode(), 1)

    return defect


def add(row: str) -> Defect:
    return lambda content: content + row.encode() + b"\n"


def only(content: bytes) -> Defect:
    return lambda _: content


def bounded(wkt: str) -> Defect:
    """Give the first district a boundary, and the others none."""

    def defect(content: bytes) -> bytes:
        header, first, *others = content.decode().splitlines()
        rows = [f"{header},boundary", f'{first},"{wkt}"', *(f"{row}," for row in others)]
        return "\n".join([*rows, ""]).encode()

    return defect


def drop_line(number: int) -> Defect:
    def defect(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(lines[: number - 1] + lines[number:])

    return defect


def appeal(**changes: object) -> Defect:
    fields = {"id": "A9", "text": "Снег", "topic": "water.leak", "enterprise_id": "UTIL-WATER"}
    return add(json.dumps(fields | changes))
