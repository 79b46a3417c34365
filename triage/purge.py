"""Takes residents' words and whereabouts out of old appeals; decisions and ledger stay whole.

What stays: what was decided, why, when and by which versions, the district, the streets and the
numbers of facilities and routes, and the intake system's id with the hash of what it sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from triage import audit
from triage.appeal import Decision, Review
from triage.masking import mask
from triage.place import Kind, Place
from triage.progress import Reporter, Silent
from triage.store import cities, search
from triage.store import purge as store
from triage.store.decisions import StoredDecision
from triage.store.sessions import Sessions

BATCH = 200
"""Appeals purged in one transaction; whatever stops the next one, these stay purged."""

_SILENT = Silent()


@dataclass(frozen=True)
class Purge:
    """Purges the appeals of a city.

    Attributes
    ----------
    clock
        Tells the time, aware of its zone.
    """

    sessions: Sessions
    city_code: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def count(self, older_than: timedelta) -> int:
        """Return how many appeals `run` would purge now."""
        with self.sessions.read.begin() as session:
            before = self.clock() - older_than
            return store.count_old(session, city=self.city_code, before=before)

    def run(self, older_than: timedelta, *, actor: str, progress: Reporter = _SILENT) -> int:
        """Purge the appeals decided longer ago than `older_than` that wait for nobody.

        Each is an event of the ledger. The next run goes on where one was cut short.

        Returns
        -------
        int
            How many were purged.
        """
        before = self.clock() - older_than
        purged = progress.track("purging", self._purge(before, actor), self.count(older_than))
        count = sum(1 for _ in purged)
        if count:
            with self.sessions.write.begin() as session:
                store.overwrite_freed_pages(session)
                search.compact(session)
        return count

    def _purge(self, before: datetime, actor: str) -> Iterator[str]:
        while batch := self._purge_batch(before, actor):
            yield from batch

    def _purge_batch(self, before: datetime, actor: str) -> list[str]:
        with self.sessions.write.begin() as session:
            # A review that comes in meanwhile would else be purged unseen.
            cities.lock(session, city=self.city_code)
            store.overwrite_freed_pages(session)
            found = store.old(session, city=self.city_code, before=before, limit=BATCH)
            for stored in found:
                self._purge_one(session, stored, actor)
        return [stored.decision.id for stored in found]

    def _purge_one(self, session: Session, stored: StoredDecision, actor: str) -> None:
        at, city = self.clock(), self.city_code
        decision = without_words(stored.decision)
        original_digest = audit.decision_digest(stored.decision)
        store.overwrite(
            session, city=city, decision=decision, original_digest=original_digest, at=at
        )
        search.remove(session, city=city, decision_id=decision.id)
        digests = {}
        for before, after in masked_reviews(stored):
            store.overwrite_review(session, city=city, review=after)
            digests[before.id] = {
                "digest_before": audit.review_digest(before),
                "digest_after": audit.review_digest(after),
            }
        audit.append(
            session,
            city=city,
            kind=audit.Kind.APPEAL_PURGED,
            subject_id=decision.id,
            actor=actor,
            payload={
                "digest_before": original_digest,
                "digest_after": audit.decision_digest(decision),
                "reviews": digests,
            },
            at=at,
        )


def without_words(decision: Decision) -> Decision:
    """Return a decision without what its appeal says in words, of whom, and which house it is."""
    appeal, route = decision.appeal, decision.route
    return replace(
        decision,
        appeal=replace(appeal, text="", address=None, coordinates=None, sender=None),
        route=replace(route, places=tuple(map(_without_house, route.places))),
        urgency=replace(decision.urgency, danger_words=()),
    )


def masked_reviews(stored: StoredDecision) -> Iterator[tuple[Review, Review]]:
    """Yield the reviews whose reason holds personal data, as they are and with that masked."""
    for review in stored.reviews:
        reason = review.reason and mask(review.reason).text
        if reason != review.reason:
            yield review, replace(review, reason=reason)


def _without_house(place: Place) -> Place:
    kind, normal = place.kind, place.normal
    if kind is Kind.ADDRESS:
        kind, normal = Kind.STREET, normal.rpartition(", ")[0]
    return replace(place, kind=kind, normal=normal, start=0, end=0)
