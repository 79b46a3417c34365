from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from appeal_files import corpus, write_csv, write_jsonl
from typer.testing import CliRunner, Result

from training.cli import app
from training.evaluate import command_line
from training.report import marks

N_TRAIN, N_TEST, LIMIT = 80, 40, 60
LEVELS = ("category", "topic", "enterprise")


@dataclass(frozen=True)
class Bench:
    """Where a run wrote, and what it said."""

    folder: Path
    said: str

    @property
    def entries(self) -> dict[tuple[str, str], dict[str, Any]]:
        read = json.loads((self.folder / "results" / "benchmark.json").read_text(encoding="utf-8"))
        return {(entry["suite"], entry["method"]): entry for entry in read["entries"]}

    @property
    def page(self) -> str:
        return (self.folder / "benchmark.md").read_text(encoding="utf-8")


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run(folder: Path, shared: Path, suites: Sequence[str], *more: object) -> Bench:
    chosen = [part for suite in suites for part in ("--suite", suite)]
    out = ("--out", folder / "results" / "benchmark.json", "--page", folder / "benchmark.md")
    done = invoke("benchmark", *chosen, "--shared", shared, *out, *more)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    return Bench(folder, done.stderr)


def write_region(shared: Path) -> None:
    """Write a region's appeals as those of Kursk lie: appeals of Astana, every topic often."""
    topics = ("water.leak", "snow.yards", "roads.potholes", "transport.overcrowding")
    appeals = [row for row in corpus() if row["topic"] in topics]
    russian = [row for row in appeals if row["lang"] == "ru"][: N_TRAIN + N_TEST]
    rows = [
        [number, row["text"], row["topic"], row["enterprise_id"], row["topic"].partition(".")[0]]
        for number, row in enumerate(russian)
    ]
    (shared / "kursk").mkdir(parents=True)
    header = ["id", "text", "topic", "enterprise", "category"]
    write_csv(shared / "kursk" / "train.csv", [header, *rows[:N_TRAIN]])
    write_csv(shared / "kursk" / "open_test.csv", [header, *rows[N_TRAIN:]])
    kazakh = [row for row in appeals if row["lang"] == "kk"]
    write_jsonl(
        shared / "kursk" / "open_kk.jsonl",
        [
            {"id": number, "text_kk": next(kk["text"] for kk in kazakh if kk["topic"] == topic),
             "lang": "kk"}
            for number, _, topic, *_ in rows[N_TRAIN:]
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A trial of two suites and of a third whose data is not at hand, then of a fourth."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIAGE_HOME", str(home / "var"))
        write_region(home / "shared")
        limit = ("--limit", LIMIT)
        first = run(home, home / "shared", ["kursk", "cross-lingual", "sib200"], *limit)
        again = run(home, home / "shared", ["folds"], *limit, "--encoder", "none")
        yield Bench(home, first.said + again.said)


def test_benchmark_measures_encoder_and_baselines_and_keeps_what_was_measured_before(
    bench: Bench,
) -> None:
    expected = {
        ("kursk", "static"),
        ("kursk", "Signalen"),
        ("kursk", "fastText"),
        ("kursk", "prefix SVM"),
        ("cross-lingual", "static"),
        ("folds", "none"),
        ("folds", "prefix SVM"),
    }
    skipped = set(re.findall(r"^kursk: (\w+): skipped, needs", bench.said, re.MULTILINE))
    assert bench.entries.keys() == expected - {("kursk", name) for name in skipped}


def test_benchmark_figures_come_with_intervals_hashes_versions_and_command(bench: Bench) -> None:
    entry = bench.entries["kursk", "static"]
    whole = entry["measured"]["figures"]["all"]
    assert whole.keys() == set(LEVELS)
    for level in LEVELS:
        found = whole[level]
        assert found["n"] == N_TEST
        assert 0 <= found["accuracy_low"] <= found["accuracy"] <= found["accuracy_high"] <= 1
        assert {"macro_f1", "top3_accuracy", "ece", "contract_coverage"} <= found.keys()
    assert whole["category"]["accuracy"] > 0.6
    train = bench.folder / "shared" / "kursk" / "train.csv"
    assert entry["data"]["kursk/train.csv"] == sha256(train.read_bytes()).hexdigest()
    assert "static/model.safetensors" in entry["data"]
    assert entry["versions"].keys() >= {"python", "numpy", "scikit-learn"}
    assert entry["command"] == command_line()
    assert entry["limit"] == LIMIT


def test_benchmark_fits_kursk_once_for_both_of_its_suites(bench: Bench) -> None:
    first = bench.said.partition("cross-lingual: static")[2].partition("folds: none")[0]
    assert "fitting heads" not in first
    assert "scoring texts" in first


def test_benchmark_kazakh_takes_its_labels_from_the_russian_originals(bench: Bench) -> None:
    figures = bench.entries["cross-lingual", "static"]["measured"]["figures"]
    assert figures["all"]["topic"]["n"] == N_TEST
    assert figures["kk"]["topic"]["accuracy"] > 0.3
    assert "ru" not in figures


def test_benchmark_curves_agree_with_the_figures(bench: Bench) -> None:
    measured = bench.entries["kursk", "static"]["measured"]
    for level in LEVELS:
        accuracy = measured["figures"]["all"][level]["accuracy"]
        _, covered, precision = measured["coverage"][level][-1]
        assert (covered, precision) == (1, pytest.approx(accuracy, abs=1e-4))
        bins = measured["reliability"]["all"][level]
        assert sum(n for n, *_ in bins) == N_TEST
        right = sum(n * observed for n, _, observed in bins)
        assert right / N_TEST == pytest.approx(accuracy, abs=1e-3)
    assert sum(map(sum, measured["confusion"]["counts"])) == N_TEST


def test_benchmark_page_links_to_plots_that_are_svg(bench: Bench) -> None:
    links = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", bench.page)
    assert {Path(link).name for link in links} >= {
        "coverage-kursk.svg",
        "reliability-kursk-static.svg",
        "confusion-kursk-static.svg",
        "languages-folds.svg",
    }
    for link in links:
        root = ElementTree.parse(bench.folder / link).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_benchmark_page_says_what_is_missing_and_what_was_a_trial(bench: Bench) -> None:
    missing = "rus_Cyrl.train.tsv, rus_Cyrl.test.tsv, kaz_Cyrl.train.tsv, kaz_Cyrl.test.tsv"
    assert f"sib200: skipped, {missing}: not at hand\n" in bench.said
    assert f"Not measured: {missing}: not at hand.\n" in bench.page
    assert f"**at most {LIMIT} rows of each file**" in bench.page
    assert "| voices | all | topic | accuracy | best | at least 0.86 | – | – | not measured |" in (
        bench.page
    )


def test_report_quotes_the_benchmark(bench: Bench) -> None:
    page = bench.folder / "README.md"
    page.write_text("# Title\n{}\n{}\n".format(*marks()), encoding="utf-8")
    results = bench.folder / "results" / "benchmark.json"
    assert invoke("report", "--results", results, "--page", page).exit_code == 0
    accuracy = bench.entries["kursk", "static"]["measured"]["figures"]["all"]["topic"]["accuracy"]
    row = next(
        line
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| kursk | all | topic | accuracy |")
    )
    assert f"{accuracy:.3f}" in row


REFUSED: dict[str, tuple[list[str], int, str]] = {
    "trial over real figures": (["--limit", "5"], 2, "give --out and --page"),
    "unknown suite": (["--suite", "moscow"], 2, "no 'moscow'"),
    "unknown encoder": (["--encoder", "/no/such/folder"], 1, "no such encoder"),
}


@pytest.mark.parametrize(("arguments", "status", "message"), REFUSED.values(), ids=REFUSED)
def test_benchmark_error_is_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("benchmark", *arguments)
    assert (done.exit_code, list(tmp_path.iterdir())) == (status, [])
    assert message in re.sub(r"[│\s]+", " ", done.stderr)
