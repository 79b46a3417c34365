"""The gates before a promotion: each passes or says why not; what can't be computed fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom

from models import selftest
from models.errors import BrokenModelError
from models.registry import LoadedModel
from training.benchmark.tables import words
from training.buckets import Kind
from training.compare import Comparison, Measured
from training.data import Examples
from training.gatefile import Gates
from triage.compatibility import unknown_labels
from triage.policy import Policy
from triage.promotion import GateReport
from triage.taxonomy import Taxonomy

KINDS: dict[str, Kind] = {
    "languages": "language",
    "categories": "category",
    "channels": "channel",
}
"""The buckets that each of these gates judges."""

MAX_TOLD = 3
"""Buckets that a gate names; the rest are counted."""


@dataclass(frozen=True)
class Trial:
    """All that gates are judged by.

    Attributes
    ----------
    comparison
        None where the models could not be compared; what depends on it fails then.
    obstacle
        Why not.
    """

    champion: LoadedModel
    challenger: LoadedModel
    examples: Examples
    taxonomy: Taxonomy
    policy: Policy
    comparison: Comparison | None
    obstacle: str = ""


def run_gates(trial: Trial, gates: Gates) -> tuple[GateReport, ...]:
    """Judge a challenger by every gate, in the order of the file."""
    return tuple(GateReport(name, *_judge(name, trial, gates)) for name in gates)


Finding = tuple[bool, str]
"""Whether a gate passes, and why."""


def _judge(name: str, trial: Trial, gates: Gates) -> Finding:
    numbers = gates[name]
    match name:
        case "taxonomy":
            return judge_taxonomy(trial.challenger, trial.taxonomy)
        case "self_test":
            return judge_self_test(trial.challenger)
        case "latency":
            texts = list(trial.examples.table["text"])
            times = time_models(trial.champion, trial.challenger, texts[: int(numbers["minimum"])])
            return judge_latency(*times, n=len(texts), **numbers)
    if trial.comparison is None:
        return False, f"not computed: {trial.obstacle}"
    match name:
        case "overall":
            return judge_overall(trial.comparison, **numbers)
        case "coverage":
            return judge_coverage(trial.comparison, **numbers)
        case "contract":
            return judge_contract(trial.comparison, trial.policy.target_precision, **numbers)
    return judge_buckets(trial.comparison, KINDS[name], **numbers)


def judge_overall(comparison: Comparison, *, margin: float, minimum: float) -> Finding:
    """Pass if no level can have lost more than the margin, by the interval's lower end."""
    told, passed = [], True
    for level in comparison.judged_levels:
        whole = comparison.whole(level)
        found = whole.differences["accuracy"]
        if whole.n < minimum:
            return False, f"{words(level)}: {whole.n} appeals, {minimum:g} are needed"
        passed &= found.low >= -margin
        told.append(f"{words(level)} {found.value:+.3f} (at worst {found.low:+.3f})")
    return passed, f"{', '.join(told)}; {-margin:+.3f} is allowed at worst"


def judge_buckets(comparison: Comparison, kind: Kind, *, margin: float, minimum: float) -> Finding:
    """Pass if no bucket has lost more than the margin, chance ruled out by its interval."""
    levels = comparison.judged_levels
    ofkind = [one for one in comparison.measured if one.bucket.kind == kind and one.level in levels]
    judged = [one for one in ofkind if one.contrast.n >= minimum]
    if not ofkind and kind == "channel":
        return True, "the data names no channels"
    if not judged:
        return False, f"no {kind} has {minimum:g} appeals"
    lost = [one for one in judged if _has_lost(one, margin)]
    worst = min(judged, key=_change)
    if not lost:
        return True, f"{len(judged)} judged; the worst is {_told(worst)}"
    lost.sort(key=_change)
    more = f" and {len(lost) - MAX_TOLD} more" if len(lost) > MAX_TOLD else ""
    return False, f"{', '.join(map(_told, lost[:MAX_TOLD]))}{more}; {-margin:+.3f} is allowed"


def judge_coverage(comparison: Comparison, *, margin: float, minimum: float) -> Finding:
    """Pass if no much smaller share is routed without a person than by the champion."""
    shift = comparison.load[0]
    if shift.n < minimum:
        return False, f"{shift.n} appeals, {minimum:g} are needed"
    told = f"{shift.before:.1%} routed without a person before, {shift.after:.1%} after"
    return shift.after >= shift.before - margin, told


def judge_contract(
    comparison: Comparison, target: float, *, share: float, risk: float, minimum: float
) -> Finding:
    """Pass unless what would be routed of the latest appeals refutes the promised precision."""
    level = comparison.levels[-1]
    rows, slice_name = _latest(comparison, share)
    latest = comparison.answers[1][level].at(rows).labelled
    n, right = int(latest.unseen.sum()), int(latest.choices.correct[latest.unseen].sum())
    told = f"{slice_name}: {n} of {len(latest.unseen)} would be routed"
    if not len(latest.unseen):
        return False, f"{slice_name}: no appeal has a label at the level {words(level)}"
    if n == 0:
        return True, f"{told}, so no promise is made"
    if n < minimum:
        return False, f"{told}, {minimum:g} are needed"
    # The upper end of the one-sided interval of Clopper and Pearson at this risk.
    highest = 1.0 if right == n else float(beta.ppf(1 - risk, right + 1, n - right))
    kept = bool(binom.cdf(right, n, target) >= risk)
    return (
        kept,
        f"{told}, {right / n:.3f} of them rightly (at best {highest:.3f}); {target:g} asked",
    )


def judge_taxonomy(challenger: LoadedModel, taxonomy: Taxonomy) -> Finding:
    """Pass if every label is known and the model says which taxonomy it was fitted under."""
    unknown = unknown_labels(challenger.model, taxonomy)
    if unknown:
        named = "; ".join(f"{level}: {', '.join(names[:5])}" for level, names in unknown.items())
        return False, f"taxonomy {taxonomy.version} does not know {named}"
    fitted_under = challenger.model.info.taxonomy_version
    if fitted_under is None:
        return False, "the model does not say under which taxonomy it was fitted"
    return True, f"fitted under {fitted_under}, {taxonomy.version} is in force"


def judge_latency(
    champion_ms: float,
    challenger_ms: float,
    *,
    n: int,
    ratio: float,
    most_ms: float,
    negligible_ms: float,
    minimum: float,
) -> Finding:
    """Pass if a text takes neither too long nor much longer than it did."""
    if n < minimum:
        return False, f"{n} texts, {minimum:g} are needed"
    told = f"{challenger_ms:.1f} ms a text, {champion_ms:.1f} before"
    is_short = challenger_ms <= max(negligible_ms, ratio * champion_ms)
    return is_short and challenger_ms <= most_ms, told


def judge_self_test(challenger: LoadedModel) -> Finding:
    """Pass if the model says of its own test texts what it said when it was saved."""
    cases = challenger.model.self_test
    if not cases:
        return False, "the model was saved without a self-test: save it again"
    try:
        selftest.check(challenger.model, cases, f"{challenger.name}/{challenger.version}")
    except BrokenModelError as error:
        return False, str(error)
    return True, f"{len(cases)} texts answered as when it was saved"


def time_models(
    champion: LoadedModel,
    challenger: LoadedModel,
    texts: Sequence[str],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Return the median milliseconds that each model takes for a text by itself.

    The models take turns, so that a busy moment of the machine hits both.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for text in (texts[0], *texts):  # the first one loads dictionaries, and counts again later
        for loaded, times in zip((champion, challenger), taken, strict=True):
            start = clock()
            loaded.model.predict([text])
            times.append((clock() - start) * 1000)
    before, after = (float(np.median(times[1:])) for times in taken)
    return before, after


def _latest(comparison: Comparison, share: float) -> tuple[np.ndarray, str]:
    """Return the rows of the latest appeals, and what to call them."""
    times = comparison.table["received_at"]
    if times.isna().any():
        return np.arange(len(times)), "all appeals, for not all have dates"
    n = max(1, round(share * len(times)))
    order = sorted(range(len(times)), key=times.tolist().__getitem__)
    return np.array(sorted(order[-n:])), f"the latest {n} appeals"


def _has_lost(one: Measured, margin: float) -> bool:
    found = one.contrast.differences["accuracy"]
    return found.value < -margin and found.high < 0


def _change(one: Measured) -> float:
    return one.contrast.differences["accuracy"].value


def _told(one: Measured) -> str:
    found = one.contrast.differences["accuracy"]
    return (
        f"{one.bucket.name} at {words(one.level)} {found.value:+.3f}"
        f" ({found.low:+.3f} to {found.high:+.3f}, {one.contrast.n} appeals)"
    )
