"""Queries on appeals, and on the ids and keys that they were sent with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import insert, select, tuple_
from sqlalchemy.orm import Session

from triage.store.tables import AppealTable, RequestKeyTable, bare


class FoundAppeal(NamedTuple):
    """The decision made on an appeal, and the hash of what it was made from."""

    decision_id: str
    input_hash: str


class RequestKey(NamedTuple):
    """An idempotency key, and who sent it: keys of several intake systems are apart."""

    actor: str
    key: str


def find_all(session: Session, *, city: str, appeal_ids: Collection[str]) -> dict[str, FoundAppeal]:
    """Find the appeals that intake systems have sent under some ids.

    In a transaction that holds `cities.lock`, what is missing stays so until it commits.
    """
    if not appeal_ids:
        return {}
    found = session.execute(
        select(AppealTable.appeal_id, AppealTable.id, AppealTable.input_hash).where(
            AppealTable.city == city, AppealTable.appeal_id.in_(appeal_ids)
        )
    )
    return {appeal_id: FoundAppeal(*rest) for appeal_id, *rest in found if appeal_id}


def find_by_keys(
    session: Session, *, city: str, keys: Collection[RequestKey]
) -> dict[RequestKey, FoundAppeal]:
    """Find the appeals that were sent with some keys; see `find_all`."""
    if not keys:
        return {}
    found = session.execute(
        select(RequestKeyTable.actor, RequestKeyTable.key, AppealTable.id, AppealTable.input_hash)
        .join(
            AppealTable,
            (AppealTable.city == RequestKeyTable.city)
            & (AppealTable.id == RequestKeyTable.decision_id),
        )
        .where(
            RequestKeyTable.city == city,
            tuple_(RequestKeyTable.actor, RequestKeyTable.key).in_(keys),
        )
    )
    return {RequestKey(actor, key): FoundAppeal(*rest) for actor, key, *rest in found}


def add_keys(session: Session, *, city: str, keys: Mapping[RequestKey, str]) -> None:
    """Store which decision each key got; the decisions must be stored before."""
    if keys:
        session.execute(
            insert(bare(RequestKeyTable)),
            [
                {"city": city, **key._asdict(), "decision_id": decision_id}
                for key, decision_id in keys.items()
            ],
        )
