from __future__ import annotations

import pytest

from training.errors import InvalidGatesError
from training.gatefile import GATES_FILE, MEASURES, load_gates

SHIPPED = GATES_FILE.read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_shipped_gates_are_all_there():
    gates = load_gates()
    assert gates.keys() == MEASURES.keys()
    assert gates["overall"] == {"margin": 0.03, "minimum": 200}


CASES = {
    "misspelt gate": ("languages:", "langauges:", "unknown gate 'langauges': one of overall"),
    "misspelt key": ("ratio: 2.0", "ration: 2.0", "latency: unknown key 'ration'"),
    "no number": ("risk: 0.05", "risk: low", "contract.risk: 'low' is no number"),
    "too large a share": (
        "margin: 0.10",
        "margin: 10",
        "margin: must lie above 0 and be at most 1",
    ),
    "negative": ("minimum: 20\n", "minimum: -2\n", "latency.minimum: must lie above 0"),
    "not a number": ("most_ms: 200", "most_ms: .nan", "latency.most_ms"),
    "other measure": ("measures: labels", "measures: lables", "taxonomy measures labels"),
    "key twice": ("  ratio: 2.0", "  ratio: 2.0\n  ratio: 3.0", "'ratio' stands twice"),
    "broken": ("self_test:", "self_test: [", "broken YAML"),
}


@pytest.mark.parametrize(("old", "new", "message"), CASES.values(), ids=CASES)
def test_gates_problem_is_told_with_its_line(old, new, message, tmp_path):
    text = SHIPPED.replace(old, new, 1)
    assert text != SHIPPED
    (tmp_path / "gates.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidGatesError, match=r"gates\.yaml:\d+: ") as caught:
        load_gates(tmp_path / "gates.yaml")
    (told,) = [line for line in str(caught.value).splitlines() if message in line]
    # The broken bracket is noticed at the end of the file, a doubled key at its second place.
    if message not in ("broken YAML", "'ratio' stands twice"):
        assert told.startswith(f"gates.yaml:{line_of(text, new)}: ")


def test_gates_missing_gate_or_number_is_an_error(tmp_path):
    text = SHIPPED.replace("self_test:\n  measures: answers\n", "").replace("  ratio: 2.0\n", "")
    (tmp_path / "gates.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidGatesError) as caught:
        load_gates(tmp_path / "gates.yaml")
    assert "the gate 'self_test' is missing" in str(caught.value)
    assert f"gates.yaml:{line_of(text, 'latency:')}: latency: 'ratio' is missing" in str(
        caught.value
    )


@pytest.mark.parametrize("text", ["", "- overall\n", "overall: 3\n"])
def test_gates_of_another_shape_are_refused(text, tmp_path):
    (tmp_path / "gates.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidGatesError, match=r"gates\.yaml:1"):
        load_gates(tmp_path / "gates.yaml")


def test_gates_missing_file_is_told(tmp_path):
    with pytest.raises(InvalidGatesError, match=r"none\.yaml: can't be read"):
        load_gates(tmp_path / "none.yaml")
