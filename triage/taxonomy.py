"""What appeals can be about: categories and their topics, in Russian and Kazakh."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from triage.appeal import Bilingual

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

VERSION_CHARS = 12


@dataclass(frozen=True, slots=True)
class Category:
    """A group of topics."""

    code: str
    name: Bilingual


@dataclass(frozen=True, slots=True)
class Topic:
    """What an appeal is about.

    Attributes
    ----------
    sla_hours
        Hours in which an appeal must be answered.
    usual_enterprise
        Who is usually responsible, in words.
    deprecated
        Kept for the decisions that name it; not offered for new ones.
    replaced_by
        The topics that took a deprecated one's place: one where it was renamed or merged, several
        where it was split.
    valid_to
        The last day of a deprecated topic; None where it is not known, or it still holds.
    """

    code: str
    category: str
    name: Bilingual
    sla_hours: int
    usual_enterprise: str
    deprecated: bool = False
    replaced_by: tuple[str, ...] = ()
    valid_to: date | None = None

    def held_on(self, day: date) -> bool:
        """Tell whether a topic was offered on a day."""
        return not self.deprecated or (self.valid_to is not None and day <= self.valid_to)


@dataclass(frozen=True)
class Taxonomy:
    """Categories and topics by code, deprecated ones included."""

    categories: Mapping[str, Category]
    topics: Mapping[str, Topic]

    @classmethod
    def of(cls, categories: Iterable[Category], topics: Iterable[Topic]) -> Taxonomy:
        """Build a taxonomy from its parts."""
        return cls(
            {category.code: category for category in categories},
            {topic.code: topic for topic in topics},
        )

    @cached_property
    def version(self) -> str:
        """The content's version; the order of rows does not change it."""
        return content_version((*self.categories.values(), *self.topics.values()))

    def parent(self, topic: str) -> str:
        """Return the code of a topic's category; KeyError for an unknown topic."""
        return self.topics[topic].category

    def topics_of(self, category: str) -> tuple[Topic, ...]:
        """Return the topics of a category that are offered for new decisions.

        Raises
        ------
        KeyError
            For an unknown category.
        """
        return self._offered[category]

    @cached_property
    def _offered(self) -> dict[str, tuple[Topic, ...]]:
        offered: dict[str, list[Topic]] = {code: [] for code in self.categories}
        for topic in self.topics.values():
            if not topic.deprecated:
                offered[topic.category].append(topic)
        return {code: tuple(topics) for code, topics in offered.items()}


def content_version(items: Iterable[DataclassInstance]) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of some dataclasses, in any order."""
    lines = sorted(
        json.dumps(asdict(item), ensure_ascii=False, sort_keys=True, default=date.isoformat)
        for item in items
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:VERSION_CHARS]
