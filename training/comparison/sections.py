"""What the report of a comparison says, section by section, whatever it is rendered as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan

from training.benchmark.tables import NONE, number, words
from training.compare import Comparison, Measured
from training.comparison.bootstrap import METRICS, N_RESAMPLES, Contrast
from training.comparison.changes import Change
from training.page import Section
from triage.promotion import GateReport

MAX_CHANGES = 30
"""Changes that the report shows; all of them stand in the CSV file beside it."""


def sections(comparison: Comparison, gates: Sequence[GateReport]) -> Iterator[Section]:
    """Return the report's sections: the verdict first, single appeals last."""
    if gates:
        yield _gates(gates)
    yield _whole(comparison)
    yield _load(comparison)
    for level in comparison.levels:
        yield _buckets(comparison, level)
    yield _changes(comparison)


def _gates(gates: Sequence[GateReport]) -> Section:
    failed = sum(not one.passed for one in gates)
    return Section(
        "Gates",
        f"{failed} of {len(gates)} failed." if failed else "All passed.",
        ("gate", "passed", "why"),
        tuple((one.name, "yes" if one.passed else "**no**", one.reason) for one in gates),
    )


def _whole(comparison: Comparison) -> Section:
    rows = [
        (words(level), words(name), *_figures(comparison.whole(level), name))
        for level in comparison.levels
        for name in METRICS
    ]
    tests = "; ".join(
        f"{words(level)}: {one.lost} lost, {one.won} won, p = {one.p_value:.2g}"
        for level in comparison.levels
        for one in (comparison.whole(level),)
    )
    return Section(
        "All appeals",
        f"Intervals hold 95 % of {N_RESAMPLES} paired bootstrap resamples. Accuracy by McNemar's"
        f" exact test: {tests}.",
        ("level", "figure", "champion", "challenger", "difference", "interval"),
        tuple(rows),
        ("differences", "reliability", "coverage"),
    )


def _load(comparison: Comparison) -> Section:
    rows = [
        (
            one.language,
            str(one.n),
            _share(one.before),
            _share(one.after),
            f"{(one.before - one.after) * 100:+.1f}",
        )
        for one in comparison.load
    ]
    return Section(
        "Review load",
        f"Share of appeals routed without a person at the level {words(comparison.levels[-1])},"
        " and how many more of a hundred people would have to look at.",
        ("language", "appeals", "champion", "challenger", "more to review of 100"),
        tuple(rows),
    )


def _buckets(comparison: Comparison, level: str) -> Section:
    shown = [one for one in comparison.measured if one.level == level and one.bucket.kind != "all"]
    return Section(
        f"By bucket: {words(level)}",
        "Categories and enterprises are the true ones.",
        (
            *("bucket", "appeals", "champion", "challenger", "difference", "interval"),
            *("coverage", "precision of what is routed"),
        ),
        tuple(map(_bucket, shown)),
    )


def _bucket(one: Measured) -> tuple[str, ...]:
    found = one.contrast
    pairs = [
        f"{_number(found.champion[name])} → {_number(found.challenger[name])}"
        for name in ("coverage", "precision")
    ]
    return one.bucket.label, str(found.n), *_figures(found, "accuracy"), *pairs


def _changes(comparison: Comparison) -> Section:
    found = comparison.changes
    more = f", of which {MAX_CHANGES} are shown" if len(found) > MAX_CHANGES else ""
    return Section(
        "Appeals whose answer changes",
        f"{len(found)} answers change{more}; `changes.csv` holds all of them. Worst first: what"
        " the champion had right, what no person would look at, what the challenger is surest of.",
        ("appeal", "level", "outcome", "true", "champion", "challenger", "unseen", "text"),
        tuple(map(_change, found[:MAX_CHANGES])),
        ("changes",),
    )


def _change(change: Change) -> tuple[str, ...]:
    return (
        change.id or str(change.row),
        change.level,
        change.outcome.replace("_", " "),
        change.true or NONE,
        f"{change.champion or NONE} ({change.champion_probability:.2f})",
        f"{change.challenger or NONE} ({change.challenger_probability:.2f})",
        "yes" if change.challenger_unseen else "no",
        change.text,
    )


def _figures(found: Contrast, name: str) -> tuple[str, str, str, str]:
    difference = found.differences[name]
    is_known = not isnan(difference.value)
    return (
        _number(found.champion[name]),
        _number(found.challenger[name]),
        f"{difference.value:+.3f}" if is_known else NONE,
        f"{difference.low:+.3f} to {difference.high:+.3f}" if is_known else NONE,
    )


def _number(value: float) -> str:
    return number(None if isnan(value) else value)


def _share(value: float) -> str:
    return f"{value:.1%}"
