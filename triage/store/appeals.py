"""Queries on appeals."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.store.tables import AppealTable


class FoundAppeal(NamedTuple):
    """The decision made on an appeal, and the hash of what it was made from."""

    decision_id: str
    input_hash: str


def find(session: Session, *, city: str, appeal_id: str) -> FoundAppeal | None:
    """Find the appeal that an intake system has sent under an id; None where it has not.

    In a transaction that holds `cities.lock`, None stays true until it commits.
    """
    row = session.execute(
        select(AppealTable.id, AppealTable.input_hash).where(
            AppealTable.city == city, AppealTable.appeal_id == appeal_id
        )
    ).one_or_none()
    return None if row is None else FoundAppeal(*row)
