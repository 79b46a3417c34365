"""What other rules would have decided: stored decisions replayed side by side; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.prediction import Prediction
from triage.appeal import Action, Decision
from triage.decide import Context, decide


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is decided on an appeal: who must act, by which rule, and what happens next."""

    enterprise: str | None
    rule: str
    action: Action


@dataclass(frozen=True, slots=True)
class Move:
    """An appeal that goes elsewhere, or otherwise, under other rules.

    Attributes
    ----------
    topic
        The most probable one; None where the model names none.
    now, then
        The outcome under the rules in force and under the proposed ones.
    """

    decision_id: str
    topic: str | None
    now: Outcome
    then: Outcome

    @property
    def changes_enterprise(self) -> bool:
        """Whether another enterprise would have to act."""
        return self.now.enterprise != self.then.enterprise

    @property
    def changes_action(self) -> bool:
        """Whether something else would happen next."""
        return self.now.action != self.then.action


def moves(
    decided: Iterable[tuple[Decision, Prediction]], now: Context, then: Context
) -> Iterator[Move]:
    """Yield the appeals whose enterprise or action changes.

    Parameters
    ----------
    decided
        Stored decisions, each with what the model says of its appeal today.
    now, then
        What decides today, and the same with the proposed rules.
    """
    for decision, prediction in decided:
        topic = prediction.top("topic")
        move = Move(
            decision_id=decision.id,
            topic=topic.code if topic else None,
            now=_outcome(decision, prediction, now),
            then=_outcome(decision, prediction, then),
        )
        if move.changes_enterprise or move.changes_action:
            yield move


def _outcome(decision: Decision, prediction: Prediction, context: Context) -> Outcome:
    # At its own time: rules hold between days.
    again = decide(
        decision.appeal, prediction, context, decision_id=decision.id, at=decision.decided_at
    )
    return Outcome(again.route.enterprise, again.route.rule, again.action)
