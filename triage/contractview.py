"""What the precision contract would give at other targets, and where its thresholds stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.selective import Contract, ContractSample, conclude

TARGETS = (0.80, 0.85, 0.88, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
"""Precisions that a city may ask for; below the first nobody would call it a promise."""


@dataclass(frozen=True, slots=True)
class TargetPoint:
    """What a target precision would give.

    Attributes
    ----------
    coverage
        Share of the contract sample that would be routed without a person.
    parts_without_threshold
        Languages and groups, of `parts`, in which nothing could be routed.
    """

    target: float
    coverage: float
    parts: int
    parts_without_threshold: int


def coverage_curve(
    sample: ContractSample, *, confidence: float, targets: Sequence[float] = TARGETS
) -> tuple[TargetPoint, ...]:
    """Return the coverage that each target precision would have, lowest target first."""
    contracts = (
        conclude(sample, target=target, confidence=confidence) for target in sorted(set(targets))
    )
    return tuple(_point(contract) for contract in contracts)


def _point(contract: Contract) -> TargetPoint:
    return TargetPoint(
        target=contract.target,
        coverage=contract.coverage,
        parts=len(contract.parts),
        parts_without_threshold=sum(part.threshold is None for part in contract.parts),
    )
