from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmark_entries import make_entry

from training.benchmark.curves import Confusion
from training.benchmark.entries import Entry, Measured
from training.benchmark.plots import draw, save

FIGURES = {
    part: {
        level: {
            "n": 100.0,
            "accuracy": 0.8,
            "accuracy_low": 0.7,
            "accuracy_high": 0.9,
            "contract_target": 0.95,
            "contract_coverage": 0.4,
            "contract_precision": 0.96,
            "contract_precision_low": 0.9,
            "contract_precision_high": 0.99,
        }
        for level in ("category", "topic", "routed", "routed_given_topic")
    }
    for part in ("all", "ru", "kk", "mixed", "voice a", "voice b", "voice c")
}
POINTS = [(40.0, 0.3, 0.35), (60.0, 0.9, 0.85)]
FULL = Measured(
    figures=FIGURES,
    reliability={part: {"category": POINTS, "topic": POINTS} for part in ("all", "ru", "kk")},
    coverage={"category": [(0.9, 0.3, 0.98), (0.5, 1.0, 0.8)], "topic": [(0.5, 1.0, 0.6)]},
    confusion=Confusion(("a", "b", "<c>"), ((9, 1, 0), (2, 5, 0), (0, 1, 0))),
)
ENTRIES = [
    make_entry(measured=FULL),
    make_entry(method="e5 small/1", measured=FULL),
    make_entry(method="SVM", is_baseline=True),
]


def drawn(entries: list[Entry], folder: Path) -> list[Path]:
    return [path for path, _ in save(draw(entries), folder)]


def test_plots_are_valid_svg_of_every_kind_with_the_methods_named(tmp_path: Path) -> None:
    paths = drawn(ENTRIES, tmp_path / "plots")
    assert [path.stem for path in paths] == [
        "coverage-kursk",
        "reliability-kursk-static",
        "confusion-kursk-static",
        "reliability-kursk-e5-small-1",
        "confusion-kursk-e5-small-1",
        "languages-kursk",
        "groups-kursk",
    ]
    texts = {}
    for path in paths:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        texts[path.stem] = "\n".join(root.itertext())
    assert "e5 small/1" in texts["coverage-kursk"]
    assert "SVM" in texts["languages-kursk"]
    assert "kk (n = 100)" in texts["reliability-kursk-static"]
    assert "<c>" in texts["confusion-kursk-static"]
    assert "voice b" in texts["groups-kursk"]


def test_plots_of_the_same_figures_are_the_same_files(tmp_path: Path) -> None:
    first, second = (drawn(ENTRIES, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("entry", [make_entry(), make_entry(measured=Measured({}))])
def test_plots_are_left_out_where_there_is_nothing_to_see(tmp_path: Path, entry: Entry) -> None:
    assert drawn([entry], tmp_path) == []


def test_plots_of_a_few_texts_are_drawn_without_points(tmp_path: Path) -> None:
    few = Measured(
        FIGURES,
        reliability={"all": {"category": [(3.0, 0.4, 0.5)]}},
        coverage={"category": [(0.9, 0.01, 1.0)]},
    )
    paths = drawn([make_entry(measured=few)], tmp_path)
    assert [path.stem for path in paths[:2]] == ["coverage-kursk", "reliability-kursk-static"]
    assert "n = " not in paths[1].read_text(encoding="utf-8")
