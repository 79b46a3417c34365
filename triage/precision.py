"""Precision of what was routed without a person, from the checked part of the audit sample.

Each stratum's precision is the Hájek estimator: checks are weighted by one over the probability
with which they were drawn. The strata are put together by how many decisions each of them has,
so that a stratum that is drawn or checked more often does not count for more. Strata with hardly
a check are collapsed into one: rare ones then stand for each other, not frequent ones for them.

The interval is that of Korn and Graubard, "Confidence intervals for proportions with small
expected number of positive counts estimated from survey data", Survey Methodology, 1998: Clopper
and Pearson's with the effective sample size. Where nearly all checks are right, the variance that
was seen says too little of the one to come (it is 0 where all are): it is taken as if each
stratum had one more right and one more wrong check, in proportion as Agresti and Coull do (1998).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import betaincinv

MIN_CHECKS = 30
"""With fewer checks the interval is so wide that a number would say less than nothing."""

FEW_CHECKS = 5
"""Strata with fewer are collapsed into one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumSums:
    """What is known of a stratum: counts, and sums over its checks.

    Attributes
    ----------
    n_routed
        Decisions routed without a person, drawn or not.
    weight, weight_squares, weight_right
        Sums of w, of w squared and of w over the right ones, where w is one over the share that
        a check was drawn with.
    """

    stratum: str
    n_routed: int = 0
    n_drawn: int = 0
    n_checked: int = 0
    weight: float = 0.0
    weight_squares: float = 0.0
    weight_right: float = 0.0

    @property
    def precision(self) -> float:
        """Hájek estimator; needs a check."""
        return self.weight_right / self.weight

    @property
    def effective(self) -> float:
        """Effective number of checks, after Kish; needs a check."""
        return self.weight**2 / self.weight_squares

    @property
    def smoothed(self) -> float:
        """Precision as if one more check had been right and one more wrong."""
        return (self.effective * self.precision + 1) / (self.effective + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Precision of automatic routing, with its interval.

    Attributes
    ----------
    precision, low, high
        None where fewer than `MIN_CHECKS` were checked.
    confidence
        Of the interval from `low` to `high`, two-sided.
    represented
        Share of the routed decisions that checks can speak for; less than 1 where there are
        strata without a check and none with few.
    stratum
        Category and language, as of `triage.sampling.stratum_of`; None for all together.
    strata
        The same by stratum, by name.
    """

    precision: float | None
    low: float | None
    high: float | None
    confidence: float
    n_routed: int
    n_drawn: int
    n_checked: int
    represented: float
    stratum: str | None = None
    strata: tuple[Estimate, ...] = ()


def estimate(strata: Sequence[StratumSums], *, confidence: float) -> Estimate:
    """Estimate the precision of all strata together, and of each."""
    apart = [
        replace(_estimate([one], confidence), stratum=one.stratum)
        for one in sorted(strata, key=lambda one: one.stratum)
    ]
    return replace(_estimate(strata, confidence), strata=tuple(apart))


def interval(precision: float, n_effective: float, confidence: float) -> tuple[float, float]:
    """Return Clopper and Pearson's interval for a sample size that need not be whole.

    Examples
    --------
    >>> low, high = interval(1.0, 50, 0.90)
    >>> round(low, 4), high
    (0.9418, 1.0)
    """
    right, wrong = n_effective * precision, n_effective * (1 - precision)
    risk = (1 - confidence) / 2
    low = float(betaincinv(right, wrong + 1, risk)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, wrong, 1 - risk)) if wrong > 0 else 1.0
    return low, high


def _estimate(strata: Sequence[StratumSums], confidence: float) -> Estimate:
    checked = [one for one in _collapsed(strata) if one.n_checked]
    n_routed = sum(one.n_routed for one in strata)
    n_checked = sum(one.n_checked for one in checked)
    n_represented = sum(one.n_routed for one in checked)
    precision, low, high = None, None, None
    if n_checked >= MIN_CHECKS:
        shares = [one.n_routed / n_represented for one in checked]
        pairs = list(zip(shares, checked, strict=True))
        precision = min(sum(share * one.precision for share, one in pairs), 1.0)
        low, high = interval(precision, _effective(pairs), confidence)
    return Estimate(
        precision=precision,
        low=low,
        high=high,
        confidence=confidence,
        n_routed=n_routed,
        n_drawn=sum(one.n_drawn for one in strata),
        n_checked=n_checked,
        represented=n_represented / n_routed if n_routed else 0.0,
    )


def _collapsed(strata: Sequence[StratumSums]) -> list[StratumSums]:
    few = [one for one in strata if one.n_checked < FEW_CHECKS]
    sums = {
        name: sum(getattr(one, name) for one in few)
        for name in ("n_routed", "n_checked", "weight", "weight_squares", "weight_right")
    }
    rest = [one for one in strata if one.n_checked >= FEW_CHECKS]
    return [*rest, StratumSums(stratum="", **sums)]


def _effective(pairs: Sequence[tuple[float, StratumSums]]) -> float:
    """Return the size of a simple random sample that would be as sure."""
    precision = sum(share * one.smoothed for share, one in pairs)
    variance = sum(
        share**2 * one.smoothed * (1 - one.smoothed) / one.effective for share, one in pairs
    )
    return min(precision * (1 - precision) / variance, sum(one.n_checked for _, one in pairs))
