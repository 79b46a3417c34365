"""Health of the service over a window of decisions, against a window before it; pure.

Each figure has a threshold that chance alone seldom passes, and that what does not matter never
does. What changed is for people to find out: a storm moves the mix of topics as much as a new
form does that cuts texts short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from models.selective import NO_PART, Contract
from triage.drift import NOTABLE_PSI, Drift, Floats, measure_drift
from triage.figures import Period
from triage.precision import Estimate, StratumSums, estimate
from triage.twosample import maximum_mean_discrepancy, mean_shift

MIN_DECISIONS = 50
"""With fewer in either window hardly a drift could be told from chance."""

NOTABLE_UNKNOWN = 0.05
"""A rise of the share of unknown words by less is no matter for anybody."""

DECILES = 10

Counts: TypeAlias = Mapping[str | None, int]


class State(StrEnum):
    """What a figure says; `too_few` says nothing, which is no alarm."""

    OK = "ok"
    WARN = "warn"
    TOO_FEW = "too_few"


FigureName = Literal[
    "languages", "categories", "topics", "confidence", "unknown_words", "embeddings"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFigure:
    """How far something is from what it was.

    Attributes
    ----------
    value
        Population stability index of the mixes and of confidence; share of features that are not
        in the vocabulary; squared maximum mean discrepancy of embeddings. None where either
        window has nothing to measure.
    threshold
        The state is `warn` above it.
    n, n_reference
        Decisions or sampled texts in the window and before it.
    jensen_shannon
        In bits, of mixes and confidence; beside the index, it decides nothing.
    """

    name: FigureName
    value: float | None
    threshold: float | None
    n: int
    n_reference: int
    state: State
    jensen_shannon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedPrecision:
    """Precision of what was routed without a person, by its audit sample.

    Attributes
    ----------
    language, group
        Of the contract's part, as in `models.selective.Part`; None in both: what has no part of
        its own, and of the first one all that was routed.
    value, low, high
        None where too few were checked.
    threshold
        The contract's target: the state is `warn` where even `high` is under it.
    n, n_routed
        How many were checked, and how many were routed.
    """

    language: str | None
    group: str | None
    value: float | None
    low: float | None
    high: float | None
    threshold: float
    n: int
    n_routed: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What checks say of the precision: of all that was routed, and of each part promised."""

    precision: AuditedPrecision
    parts: tuple[AuditedPrecision, ...]

    @property
    def breaches(self) -> tuple[AuditedPrecision, ...]:
        """Where the promise is broken."""
        return tuple(one for one in (self.precision, *self.parts) if one.state is State.WARN)


class RoutedSums(NamedTuple):
    """What is known of what was routed to an enterprise in a language, in one stratum."""

    language: str
    enterprise: str | None
    sums: StratumSums


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each label came, before the window and in it."""

    before: Counts
    now: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifts:
    """Figures of a window, and the counts that they were made of."""

    window: Period
    reference: Period
    figures: tuple[HealthFigure, ...]
    mixes: Mapping[FigureName, Mix]

    @property
    def drifted(self) -> tuple[HealthFigure, ...]:
        """The figures that are above their thresholds."""
        return tuple(one for one in self.figures if one.state is State.WARN)


def judge_mix(name: FigureName, mix: Mix) -> HealthFigure:
    """Judge how far a mix of labels is from the one before."""
    n, n_reference = sum(mix.now.values()), sum(mix.before.values())
    drift = measure_drift(mix.before, mix.now)
    if drift is None:
        return _nothing(name, n, n_reference)
    return HealthFigure(
        name=name,
        value=drift.psi,
        threshold=max(drift.noise, NOTABLE_PSI),
        n=n,
        n_reference=n_reference,
        state=_state(drift, n, n_reference),
        jensen_shannon=drift.jensen_shannon,
    )


def by_decile(before: Mapping[int, int], now: Mapping[int, int]) -> Mix:
    """Count what lies in each tenth of what was before; tenths that coincide are one.

    Parameters
    ----------
    before, now
        How often each value came, values in any unit.

    Examples
    --------
    >>> by_decile({1: 50, 2: 50}, {1: 3, 5: 4})
    Mix(before={'1': 50, '2': 50}, now={'1': 3, '2': 4})
    """
    if not before:
        return Mix({}, {"1": sum(now.values())} if now else {})
    values = np.array(sorted(before))
    reached = np.cumsum([before[value] for value in values])
    wanted = reached[-1] * np.arange(1, DECILES) / DECILES
    edges = np.unique(values[np.searchsorted(reached, wanted)])
    return Mix(
        _in_bins(before, edges[edges < values[-1]]), _in_bins(now, edges[edges < values[-1]])
    )


def judge_unknown_words(before: Floats, now: Floats) -> HealthFigure:
    """Judge whether more of the texts' features are unknown to the model than before.

    Parameters
    ----------
    before, now
        Evidence of each text, shape (n,), as of `models.sparse.SparseEncoder.encode`.
    """
    if not len(before) or not len(now):
        return _nothing("unknown_words", len(now), len(before))
    shift = mean_shift(1 - before, 1 - now)
    threshold = float(1 - before.mean()) + max(shift.noise, NOTABLE_UNKNOWN)
    return _sampled("unknown_words", float(1 - now.mean()), threshold, len(now), len(before))


def judge_embeddings(before: sparse.csr_matrix, now: sparse.csr_matrix) -> HealthFigure:
    """Judge whether texts mean something else than before, by their vectors, one a row."""
    n_reference, n = before.shape[0], now.shape[0]
    if min(n, n_reference) < 2:
        return _nothing("embeddings", n, n_reference)
    shift = maximum_mean_discrepancy(before, now)
    return _sampled("embeddings", shift.value, shift.noise, n, n_reference)


def judge_precision(
    routed: Sequence[RoutedSums], contract: Contract | None, *, target: float, confidence: float
) -> Audited:
    """Judge the precision that was promised by what blind checks found.

    One minus the confidence is shared out among the parts, as the contract does: however many
    there are, the chance that one of them is called broken and is not stays the same.

    Parameters
    ----------
    contract
        Whose parts are judged; without one only all that was routed is.
    confidence
        Of the intervals, two-sided.
    """
    parts = _by_part(routed, contract) if contract else {}
    shared = 1 - (1 - confidence) / max(len(parts), 1)
    return Audited(
        precision=_judged(None, None, [one.sums for one in routed], target, confidence),
        parts=tuple(
            _judged(*key, sums, target, shared)
            for key, sums in sorted(parts.items(), key=lambda item: str(item[0]))
        ),
    )


def _by_part(
    routed: Sequence[RoutedSums], contract: Contract
) -> dict[tuple[str | None, str | None], list[StratumSums]]:
    """Sort sums by the part of the contract; where nothing is promised they are left out."""
    found: dict[tuple[str | None, str | None], list[StratumSums]] = {
        (part.language, part.group): [] for part in contract.parts
    }
    for one in routed:
        part = contract.part(one.language, one.enterprise or "")
        if part != NO_PART:
            found[part.language, part.group].append(one.sums)
    return found


def _judged(
    language: str | None,
    group: str | None,
    sums: Sequence[StratumSums],
    target: float,
    confidence: float,
) -> AuditedPrecision:
    found = estimate(_by_stratum(sums), confidence=confidence)
    return AuditedPrecision(
        language=language,
        group=group,
        value=found.precision,
        low=found.low,
        high=found.high,
        threshold=target,
        n=found.n_checked,
        n_routed=found.n_routed,
        state=_held(found, target),
    )


def _by_stratum(sums: Sequence[StratumSums]) -> list[StratumSums]:
    """Add up the sums of each stratum."""
    found: dict[str, StratumSums] = {}
    for one in sums:
        known = found.get(one.stratum, StratumSums(stratum=one.stratum))
        found[one.stratum] = replace(
            known,
            n_routed=known.n_routed + one.n_routed,
            n_drawn=known.n_drawn + one.n_drawn,
            n_checked=known.n_checked + one.n_checked,
            weight=known.weight + one.weight,
            weight_squares=known.weight_squares + one.weight_squares,
            weight_right=known.weight_right + one.weight_right,
        )
    return list(found.values())


def _held(found: Estimate, target: float) -> State:
    if found.high is None:
        return State.TOO_FEW
    return State.WARN if found.high < target else State.OK


def _in_bins(counts: Mapping[int, int], edges: npt.NDArray[np.int64]) -> dict[str | None, int]:
    bins: dict[str | None, int] = {}
    for value, count in sorted(counts.items()):
        name = str(int(np.searchsorted(edges, value)) + 1)
        bins[name] = bins.get(name, 0) + count
    return bins


def _state(drift: Drift, n: int, n_reference: int) -> State:
    if min(n, n_reference) < MIN_DECISIONS:
        return State.TOO_FEW
    return State.WARN if drift.has_drifted else State.OK


def _sampled(
    name: FigureName, value: float, threshold: float, n: int, n_reference: int
) -> HealthFigure:
    state = State.WARN if value > threshold else State.OK
    return HealthFigure(
        name=name,
        value=value,
        threshold=threshold,
        n=n,
        n_reference=n_reference,
        state=State.TOO_FEW if min(n, n_reference) < MIN_DECISIONS else state,
    )


def _nothing(name: FigureName, n: int, n_reference: int) -> HealthFigure:
    return HealthFigure(
        name=name, value=None, threshold=None, n=n, n_reference=n_reference, state=State.TOO_FEW
    )
