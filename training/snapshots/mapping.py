"""Brings labels of the past to the taxonomy of a day: renamed, merged, split and unknown ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from triage.enterprises import EnterpriseRegistry
from triage.store.labels import Codes
from triage.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A label that has no place in the taxonomy any more, and why."""

    level: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class LabelMap:
    """What labels mean on a day.

    Attributes
    ----------
    day
        Topics that were still offered on it stay as they are, whatever came later.
    """

    taxonomy: Taxonomy
    enterprises: EnterpriseRegistry
    day: date

    def apply(self, codes: Codes) -> tuple[Codes, tuple[Unmapped, ...]]:
        """Return the codes that hold on the day; a level that can't be mapped is empty."""
        mapped = self._what(codes)
        if codes.enterprise and self.enterprises.get(codes.enterprise) is None:
            mapped = replace(mapped, enterprise=None)
        return mapped, tuple(self._unmapped(codes, mapped))

    def _what(self, codes: Codes) -> Codes:
        topics, categories = self.taxonomy.topics, self.taxonomy.categories
        known = codes.category if codes.category in categories else None
        if codes.topic is None or codes.topic not in topics:
            return replace(codes, category=known, topic=None)
        topic = topics[codes.topic]
        if topic.held_on(self.day):
            return replace(codes, category=topic.category)
        match topic.replaced_by:
            case ():
                return replace(codes, category=topic.category, topic=None)
            case (successor,):
                return replace(codes, category=topics[successor].category, topic=successor)
            case several:
                parents = {topics[successor].category for successor in several}
                shared = parents.pop() if len(parents) == 1 else None
                return replace(codes, category=shared, topic=None)

    def _unmapped(self, before: Codes, after: Codes) -> Iterator[Unmapped]:
        if before.topic and after.topic is None:
            yield Unmapped("topic", before.topic, self._why(before.topic))
        if before.category and after.category is None:
            is_known = before.category in self.taxonomy.categories
            reason = "its topic went to several categories" if is_known else "unknown category"
            yield Unmapped("category", before.category, reason)
        if before.enterprise and after.enterprise is None:
            yield Unmapped("enterprise", before.enterprise, "unknown enterprise")

    def _why(self, code: str) -> str:
        topic = self.taxonomy.topics.get(code)
        if topic is None:
            return "unknown topic"
        if topic.replaced_by:
            return f"split into {', '.join(topic.replaced_by)}"
        return "deprecated, and nothing took its place"
