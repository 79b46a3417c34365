"""What the pickers find: enterprises, and topics with their categories, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.deps import ServiceDep
from api.security import READERS, allow
from api.web.filters import find_enterprise
from api.web.pages import PAGES, PagesDep
from triage.citydata import City
from triage.districts import folded_words
from triage.taxonomy import Taxonomy, Topic

LIMIT = 12
UNKNOWN = "?"
"""A code that nothing has: what was typed names nothing, and a review with it is refused."""

router = APIRouter(prefix=f"{PAGES}pick", dependencies=[allow(*READERS)])

Words = Annotated[str, Query(alias="q", max_length=200)]


@dataclass(frozen=True, slots=True)
class Option:
    """What a picker offers: a code, its name in the reader's language, and what tells it apart."""

    code: str
    name: str
    note: str


@router.get("/enterprises")
def pick_enterprise(service: ServiceDep, pages: PagesDep, words: Words = "") -> Response:
    """Offer active enterprises."""
    found = service.city.enterprises.search(words, limit=LIMIT)
    locale = pages.locale
    options = [
        Option(one.id, locale.pick(one.name), f"{locale.pick_other(one.name)} · {one.id}")
        for one in found
    ]
    return pages.render("picker.html", options=options)


@router.get("/topics")
def pick_topic(service: ServiceDep, pages: PagesDep, words: Words = "") -> Response:
    """Offer topics, each with its category."""
    taxonomy, locale = service.city.taxonomy, pages.locale
    options = [
        Option(one.code, locale.pick(one.name), locale.pick(taxonomy.categories[one.category].name))
        for one in find_topics(words, taxonomy)[:LIMIT]
    ]
    return pages.render("picker.html", options=options)


def find_topics(words: str, taxonomy: Taxonomy) -> list[Topic]:
    """Find offered topics by the beginnings of words of their names and categories, best first.

    Those whose own name holds all words come before those that owe some to their category.
    """
    wanted = folded_words(words)
    ranked = [
        (rank, number, topic)
        for number, topic in enumerate(
            topic for code in taxonomy.categories for topic in taxonomy.topics_of(code)
        )
        if (rank := _rank(wanted, topic, taxonomy)) is not None
    ]
    return [topic for _, _, topic in sorted(ranked, key=lambda one: one[:2])]


def chosen_codes(form: Mapping[str, str], city: City) -> dict[str, str]:
    """Return what a form with pickers chose: codes, or else what the typed words can only mean."""
    return {
        "category": form.get("category", ""),
        "topic": form.get("topic") or _typed_topic(form.get("topic_words", ""), city),
        "enterprise": form.get("enterprise")
        or _typed_enterprise(form.get("enterprise_words", ""), city),
    }


def _typed_topic(words: str, city: City) -> str:
    if not words.strip():
        return ""
    if words in city.taxonomy.topics:
        return words
    found = find_topics(words, city.taxonomy)
    return found[0].code if len(found) == 1 else UNKNOWN


def _typed_enterprise(words: str, city: City) -> str:
    return (find_enterprise(words, city) or UNKNOWN) if words.strip() else ""


def _rank(wanted: tuple[str, ...], topic: Topic, taxonomy: Taxonomy) -> int | None:
    own = folded_words(f"{topic.code} {topic.name.ru} {topic.name.kk}")
    if _hold(own, wanted):
        return 0
    category = taxonomy.categories[topic.category].name
    all_words = own + folded_words(f"{topic.category} {category.ru} {category.kk}")
    return 1 if _hold(all_words, wanted) else None


def _hold(words: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(any(word.startswith(one) for word in words) for one in wanted)
