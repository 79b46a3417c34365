"""Routing rules: a city's own file, read and checked line by line.

The shape of the file is told in its own head, `triage/data/routing.yaml`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from triage.appeal import Bilingual
from triage.wordpatterns import WordPatterns

ROUTING = "routing.yaml"


class Need(StrEnum):
    """What a rule must know of the place."""

    NUMBER = "number"
    ROUTE = "route"
    ADDRESS = "address"
    DISTRICT = "district"
    BANK = "bank"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `line` is where it stands in its file.

    Attributes
    ----------
    topics
        Codes of topics that it is about.
    words
        Patterns of which one must be in the text; None asks for no words.
    enterprise
        Who is named whatever the place; None where the place decides.
    types, need
        Types of the enterprise that the place leads to, and what of the place must be known.
    banks
        The enterprise of each bank of the river.
    ask
        What to ask for: the enterprise only stands in until that is known.
    since, until
        Days between which the rule holds, both included.
    """

    name: str
    line: int
    topics: frozenset[str]
    reason: Bilingual
    words: WordPatterns | None = None
    enterprise: str | None = None
    types: tuple[str, ...] = ()
    need: Need | None = None
    banks: Mapping[str, str] = field(default_factory=dict)
    ask: Need | None = None
    since: date | None = None
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether the rule is in force on a day."""
        return (self.since or day) <= day <= (self.until or day)

    def fits_words(self, text: str) -> bool:
        """Tell whether the text has the words that the rule asks for."""
        return self.words is None or bool(self.words.find(text))

    @property
    def is_unconditional(self) -> bool:
        """Whether the rule always fires for its topics, so that none after it can."""
        is_bound = self.words or self.need or self.since or self.until
        return self.enterprise is not None and not is_bound


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules of a city, in their order.

    Attributes
    ----------
    version
        SHA-256 of the file, its first 12 hexadecimal digits.
    bank_of
        The bank of each district.
    """

    version: str
    rules: tuple[Rule, ...]
    bank_of: Mapping[str, str]
    by_topic: Mapping[str, tuple[Rule, ...]]

    @classmethod
    def of(cls, rules: tuple[Rule, ...], bank_of: Mapping[str, str], version: str) -> RuleBook:
        """Index rules by topic."""
        topics = sorted({topic for rule in rules for topic in rule.topics})
        by_topic = {
            topic: tuple(rule for rule in rules if topic in rule.topics) for topic in topics
        }
        return cls(version, rules, bank_of, by_topic)

    @property
    def asks(self) -> frozenset[Need]:
        """All that the rules may ask for."""
        return frozenset(rule.ask for rule in self.rules if rule.ask)


NO_RULES = RuleBook.of((), {}, "none")
"""The rules of a city that has none: history alone decides."""


def file_version(path: Path) -> str:
    """Return the first 12 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
