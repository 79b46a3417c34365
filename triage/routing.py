"""Who must act: from what the model proposes to an enterprise that exists and is active."""

from __future__ import annotations

from collections.abc import Iterable

from models.prediction import Candidate
from triage import messages
from triage.appeal import Route
from triage.enterprises import EnterpriseRegistry


def route(proposed: Iterable[Candidate], enterprises: EnterpriseRegistry) -> Route:
    """Choose the most probable proposal among the active enterprises of the registry.

    Parameters
    ----------
    proposed
        Enterprises by falling probability, as the model learned them from history.
    """
    candidates = tuple(
        candidate for candidate in proposed if _is_active(candidate.code, enterprises)
    )
    rule = "history" if candidates else "none"
    return Route(
        enterprise=candidates[0].code if candidates else None,
        probability=candidates[0].probability if candidates else 0.0,
        candidates=candidates,
        rule=rule,
        reason=messages.RULES[rule],
    )


def _is_active(code: str, enterprises: EnterpriseRegistry) -> bool:
    enterprise = enterprises.get(code)
    return enterprise is not None and enterprise.active
