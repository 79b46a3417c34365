"""Queries for the health of the service: how sure it was, what came in, what checks found."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Float, Integer, case, cast, func, select
from sqlalchemy.orm import Session

from triage.appeal import Action
from triage.health import RoutedSums
from triage.precision import StratumSums
from triage.sampling import stratum_of
from triage.store.overview import Scope
from triage.store.tables import AppealTable, AuditDrawTable, DecisionTable

STEPS = 10_000
"""Probabilities are counted to this part of one."""

# Where the probability stands in `rows.queue_key`: from which character, and as many of its
# digits as `STEPS` has.
_PROBABILITY_DIGITS = (16, 5)

_RANDOM_DIGITS = 29
"""From this character on an id is random; before it stands the time."""

_Cell = tuple[str | None, str, str | None]
"""Category, language and enterprise."""


def count_probabilities(session: Session, scope: Scope, *, model_version: str) -> dict[int, int]:
    """Count one model's decisions by the probability of their route, in steps of one `STEPS`th.

    `ix_decisions_newest` holds the probability in `queue_key` alone.
    """
    digits = func.substr(DecisionTable.queue_key, *_PROBABILITY_DIGITS)
    step = cast(digits, Integer).label("step")
    statement = (
        select(step, func.count())
        .where(*scope.conditions(), DecisionTable.model_version == model_version)
        .group_by(step)
    )
    return dict(session.execute(statement).tuples().all())


def sample_texts(session: Session, scope: Scope, *, limit: int) -> dict[str, str]:
    """Return some texts by the ids of their decisions, purged ones left out.

    Which ones is up to the random part of the ids: always the same of the same decisions.
    """
    statement = (
        select(DecisionTable.id, AppealTable.text)
        .join(DecisionTable.appeal)
        .where(*scope.conditions(), AppealTable.purged_at.is_(None))
        .order_by(func.substr(DecisionTable.id, _RANDOM_DIGITS), DecisionTable.id)
        .limit(limit)
    )
    return dict(session.execute(statement).tuples().all())


def sums_of_routed(session: Session, scope: Scope) -> list[RoutedSums]:
    """Sum up what was routed without a person, and the checks of it."""
    cell = (DecisionTable.category, DecisionTable.language, DecisionTable.enterprise)
    checks = _checks(session, scope)
    counted = session.execute(
        select(*cell, func.count())
        .where(*scope.conditions(), DecisionTable.action == Action.AUTO.value)
        .group_by(*cell)
    )
    return [
        RoutedSums(
            language,
            enterprise,
            StratumSums(
                stratum=stratum_of(category, language),
                n_routed=n_routed,
                **checks[category, language, enterprise],
            ),
        )
        for category, language, enterprise, n_routed in counted
    ]


def _checks(session: Session, scope: Scope) -> dict[_Cell, dict[str, Any]]:
    cell = (DecisionTable.category, DecisionTable.language, DecisionTable.enterprise)
    weight = 1 / AuditDrawTable.share
    is_checked = AuditDrawTable.checked_at.is_not(None)

    def total(value: Any, condition: Any = is_checked) -> Any:
        return func.sum(case((condition, value), else_=0.0), type_=Float)

    found = session.execute(
        select(
            *cell,
            func.count().label("n_drawn"),
            func.count(AuditDrawTable.checked_at).label("n_checked"),
            total(weight).label("weight"),
            total(weight * weight).label("weight_squares"),
            total(weight, AuditDrawTable.right.is_(True)).label("weight_right"),
        )
        .join(
            DecisionTable,
            (DecisionTable.city == AuditDrawTable.city)
            & (DecisionTable.id == AuditDrawTable.decision_id),
        )
        .where(*scope.conditions())
        .group_by(*cell)
    )
    names = [column.name for column in cell]
    sums: dict[_Cell, dict[str, Any]] = defaultdict(dict)
    for row in found.mappings():
        category, language, enterprise = (row[name] for name in names)
        sums[category, language, enterprise] = {
            name: value for name, value in row.items() if name not in names
        }
    return sums
