"""Who must act: what the appeal is about, where it is, and what history knows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from itertools import takewhile

import numpy as np
import numpy.typing as npt

from models.prediction import CANDIDATES, Candidate, Distribution, Prediction
from triage import messages
from triage.appeal import Appeal, Bilingual, Route, RuleFailure
from triage.citydata import City
from triage.destinations import Destinations, Fired
from triage.joining import MIN_TOPIC, Floats, Join
from triage.rules import Need, RuleBook
from triage.whereabouts import Locator, Whereabouts

HISTORY, NOBODY = "history", "none"
"""Names of what stands for a rule where no rule named the enterprise."""

Firings = Mapping[str, Fired]
"""The rule that fired, by topic."""


@dataclass(frozen=True)
class Router:
    """Routes the appeals of a city.

    Attributes
    ----------
    active
        Ids of enterprises that appeals may be routed to.
    bound
        Those among them whose type the rules reach by place alone: history may not guess them.
    """

    book: RuleBook
    locator: Locator
    destinations: Destinations
    active: frozenset[str]
    bound: frozenset[str]

    @classmethod
    def of(cls, city: City, book: RuleBook) -> Router:
        """Build it from a city's tables and rules."""
        active = [one for one in city.enterprises.enterprises.values() if one.active]
        bound_types = {kind for rule in book.rules for kind in rule.types}
        return cls(
            book=book,
            locator=Locator.of(city, book.bank_of),
            destinations=Destinations.of(city.enterprises),
            active=frozenset(one.id for one in active),
            bound=frozenset(one.id for one in active if one.type in bound_types),
        )

    @cached_property
    def guessable(self) -> frozenset[str]:
        """Ids that history may propose."""
        return self.active - self.bound

    def route(
        self, appeal: Appeal, prediction: Prediction, join: Join, day: date
    ) -> tuple[Route, Whereabouts]:
        """Choose who must act, and tell by which rule and why."""
        topics = prediction.distributions.get("topic")
        where = self.reread(self.locator.locate(appeal), topics)
        fired = self.fire(appeal.text, where, topics, day)
        codes, probabilities = self.join(
            prediction.distributions.get("enterprise"),
            rule_shares(fired, topics),
            join,
        )
        candidates = tuple(
            Candidate(codes[place], float(probabilities[place]))
            for place in np.argsort(-probabilities, kind="stable")[:CANDIDATES]
        )
        return _explained(candidates, fired, prediction, where), where

    def reread(self, where: Whereabouts, topics: Distribution | None) -> Whereabouts:
        """Take what is doubtful in the text for what the most probable topic needs."""
        if topics is None:
            return where
        topic = topics.classes[int(topics.probabilities.argmax())]
        of_topic = self.book.by_topic.get(topic, ())
        rules = list(takewhile(lambda rule: not rule.is_unconditional, of_topic))
        needs = {rule.need for rule in rules if rule.need}
        types = next((rule.types for rule in rules if rule.need is Need.NUMBER), ())
        return self.locator.locate_needed(where, needs, types)

    def fire(
        self, text: str, where: Whereabouts, topics: Distribution | None, day: date
    ) -> dict[str, Fired]:
        """Return the rule that fires for each topic that the appeal may be about."""
        if topics is None:
            return {}
        likely = np.flatnonzero(topics.probabilities >= MIN_TOPIC)
        codes = [topics.classes[place] for place in likely]
        found = (
            (code, self.destinations.fire(code, text, where, self.book, day)) for code in codes
        )
        return {code: fired for code, fired in found if fired is not None}

    def join(
        self, history: Distribution | None, shares: Mapping[str, float], join: Join
    ) -> tuple[Sequence[str], Floats]:
        """Return active enterprises with their joint probabilities; the best need not be first."""
        known = _listed(history.classes if history else (), self.guessable)
        model = history.probabilities[known.columns] if history else np.zeros(0)
        named = shares.keys() & self.active
        codes, model = _with_codes(known.codes, model, named)
        if not shares or not codes:
            return codes, model
        rules = np.zeros(len(codes))
        for code in named:
            rules[bisect_left(codes, code)] = shares[code]
        return codes, join.probabilities(model, rules)


def rule_shares(fired: Firings, topics: Distribution | None) -> dict[str, float]:
    """Return the probability of the topics whose rule names each enterprise.

    Where a rule names several, they share alike.
    """
    shares: dict[str, float] = {}
    if topics is None:
        return shares
    for topic, firing in fired.items():
        probability = float(topics.probabilities[topics.classes.index(topic)])
        for code in firing.enterprises:
            share = probability / len(firing.enterprises)
            shares[code] = shares.get(code, 0.0) + share
    return shares


@dataclass(frozen=True, slots=True)
class _Listed:
    """Those of a model's enterprises that history may propose, in order of their codes.

    Attributes
    ----------
    columns
        Of each among the model's classes, shape (n_codes,).
    """

    codes: tuple[str, ...]
    columns: npt.NDArray[np.int64]


@lru_cache(maxsize=4)
def _listed(classes: tuple[str, ...], guessable: frozenset[str]) -> _Listed:
    """List them once for all appeals: a model serves, and another one in its shadow."""
    column = {code: place for place, code in enumerate(classes) if code in guessable}
    codes = tuple(sorted(column))
    return _Listed(codes, np.array([column[code] for code in codes], dtype=np.int64))


def _with_codes(
    codes: Sequence[str], probabilities: Floats, named: Collection[str]
) -> tuple[Sequence[str], Floats]:
    """Add those codes that history does not propose, each in its place."""
    places = {code: bisect_left(codes, code) for code in sorted(named)}
    added = {code: at for code, at in places.items() if code not in codes[at : at + 1]}
    if not added:
        return codes, probabilities
    return sorted([*codes, *added]), np.insert(probabilities, list(added.values()), 0.0)


def _explained(
    candidates: tuple[Candidate, ...],
    fired: Firings,
    prediction: Prediction,
    where: Whereabouts,
) -> Route:
    """Name the rule of the most probable topic that speaks for the choice, else history."""
    chosen = candidates[0] if candidates else None
    speaking = [
        fired[topic.code].rule
        for topic in prediction.levels.get("topic", ())
        if topic.code in fired and chosen and chosen.code in fired[topic.code].enterprises
    ]
    rule = speaking[0] if speaking else None
    name = rule.name if rule else HISTORY if chosen else NOBODY
    question: Bilingual | None = messages.QUESTIONS[rule.ask] if rule and rule.ask else None
    return Route(
        enterprise=chosen.code if chosen else None,
        probability=chosen.probability if chosen else 0.0,
        candidates=candidates,
        rule=name,
        reason=rule.reason if rule else messages.RULES[name],
        places=where.places,
        question=question,
        failures=tuple(
            dict.fromkeys(
                RuleFailure(one.rule.name, one.error) for one in fired.values() if one.error
            )
        ),
        note=messages.NOTES["outside_districts"] if where.is_outside else None,
    )
