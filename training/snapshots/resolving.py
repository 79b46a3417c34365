"""Which label of an appeal holds, and how much it counts; pure."""

from __future__ import annotations

from enum import StrEnum

from triage.appeal import Verdict
from triage.store.labels import Codes, LabelledDecision


class LabelSource(StrEnum):
    """Who says what is right, the most to be trusted first."""

    AUDIT = "audit"
    REVIEW = "review"
    ACCEPTED = "accepted"
    HISTORY = "history"


WEIGHTS = {
    LabelSource.AUDIT: 1.0,
    LabelSource.REVIEW: 1.0,
    LabelSource.ACCEPTED: 0.5,
    LabelSource.HISTORY: 1.0,
}
"""How much a row counts. A checker chooses blind, a reviewer who overrides chooses against the
suggestion and says why, and history was chosen before there were suggestions: each is a person's
own word. Who accepts may have waved through what the model said, so that half of it is an echo."""


def resolve(found: LabelledDecision) -> tuple[LabelSource, Codes] | None:
    """Return the label that holds: the audit's, else the last review's; None where neither is."""
    if found.audit is not None:
        return LabelSource.AUDIT, found.audit
    if found.review is None:
        return None
    verdict, codes = found.review
    return LabelSource.REVIEW if verdict is Verdict.OVERRIDE else LabelSource.ACCEPTED, codes
