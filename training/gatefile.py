"""Reads gates.yaml: every problem with its line, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from training.errors import InvalidGatesError

GATES_FILE = Path(__file__).parent / "gates.yaml"

MEASURES = {
    "overall": "accuracy",
    "languages": "accuracy",
    "categories": "accuracy",
    "channels": "accuracy",
    "coverage": "coverage",
    "contract": "precision",
    "taxonomy": "labels",
    "latency": "milliseconds",
    "self_test": "answers",
}
"""What each gate measures; these are all gates there are."""

NUMBERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("overall", "languages", "categories", "channels", "coverage"), ("margin", "minimum")
    ),
    "contract": ("share", "risk", "minimum"),
    "taxonomy": (),
    "latency": ("ratio", "most_ms", "negligible_ms", "minimum"),
    "self_test": (),
}
"""The numbers of each gate."""

SHARES = ("margin", "share", "risk")
"""Numbers above 0 and at most 1; the others are above 0."""

Gates = Mapping[str, Mapping[str, float]]
"""The numbers of each gate, by its name."""


@dataclass
class _Problems:
    file: str
    found: list[str] = field(default_factory=list)

    def add(self, node: yaml.Node, message: str) -> None:
        self.found.append(f"{self.file}:{node.start_mark.line + 1}: {message}")


def load_gates(path: Path = GATES_FILE) -> Gates:
    """Read and check the gates.

    Raises
    ------
    InvalidGatesError
        Broken YAML, an unknown or missing gate or key, a number out of its bounds: each with
        its line.
    """
    problems = _Problems(path.name)
    root = _root(path)
    gates: dict[str, dict[str, float]] = {}
    for key, value in _pairs(root, problems):
        name = str(key.value)
        if name not in MEASURES:
            problems.add(key, f"unknown gate {name!r}: one of {', '.join(MEASURES)}")
        else:
            gates[name] = _numbers(name, key, value, problems)
    for name in MEASURES:
        if name not in gates:
            problems.add(root, f"the gate {name!r} is missing: without it nothing would be held")
    if problems.found:
        raise InvalidGatesError("\n".join(problems.found))
    return gates


def _root(path: Path) -> yaml.Node:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidGatesError(f"{path.name}:{line}: broken YAML: {error.problem}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InvalidGatesError(f"{path.name}: can't be read: {error}") from error
    if root is None:
        raise InvalidGatesError(f"{path.name}:1: there are no gates")
    return root


def _numbers(gate: str, key: yaml.Node, value: yaml.Node, problems: _Problems) -> dict[str, float]:
    found: dict[str, float] = {}
    seen = set()
    for name_node, number_node in _pairs(value, problems):
        name = str(name_node.value)
        seen.add(name)
        if name == "measures":
            if number_node.value != MEASURES[gate]:
                problems.add(number_node, f"{gate} measures {MEASURES[gate]}")
        elif name not in NUMBERS[gate]:
            known = ", ".join(("measures", *NUMBERS[gate]))
            problems.add(name_node, f"{gate}: unknown key {name!r}: one of {known}")
        else:
            found[name] = _number(f"{gate}.{name}", name, number_node, problems)
    for name in ("measures", *NUMBERS[gate]):
        if name not in seen:
            problems.add(key, f"{gate}: {name!r} is missing")
    return found


def _number(label: str, name: str, node: yaml.Node, problems: _Problems) -> float:
    try:
        value = float(str(node.value))
    except ValueError:
        problems.add(node, f"{label}: {node.value!r} is no number")
        return 0.0
    most = 1.0 if name in SHARES else float("inf")
    if not 0 < value <= most or value == float("inf"):
        problems.add(
            node, f"{label}: must lie above 0" + (" and be at most 1" if most == 1 else "")
        )
    return value


def _pairs(node: yaml.Node, problems: _Problems) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return keys and values of a mapping; a key that stands twice is a problem."""
    if not isinstance(node, yaml.MappingNode):
        problems.add(node, "keys with values are expected")
        return []
    seen: set[Any] = set()
    for key, _ in node.value:
        if key.value in seen:
            problems.add(key, f"{key.value!r} stands twice")
        seen.add(key.value)
    pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
    return pairs
