"""What a decision rests on, as parts that its page loads once it stands: words, likes, history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import BackendDep, DecisionId
from api.schemas.answers import StoredDecisionAnswer
from api.schemas.present import name_of, stored_answer
from api.security import READERS, Principal, allow, sees_masked
from api.web import filters, links
from api.web.language import Locale
from api.web.marks import Mark, excerpt, segments, step
from api.web.pages import PAGES, Pages, PagesDep
from models.explain import Explanation
from models.offsets import Span
from models.prediction import LEVELS, Level
from triage.appeal import Decision
from triage.citydata import City
from triage.districts import District
from triage.masking import Masked, mask
from triage.store.decisions import StoredDecision

EXCERPT_CHARS = 140
SIMILAR = 5
STRONGEST = 8
"""Words whose weights are told one by one beside the text."""

PREFERRED: tuple[Level, ...] = ("topic", "enterprise", "category")
"""Levels in the order in which one is explained unasked: what it is about drives the rest."""

router = APIRouter(prefix=f"{PAGES}decisions")

Reader = Annotated[Principal, allow(*READERS)]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text as it is shown, and what it adds to a label's margin."""

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Row:
    """Another appeal, in a line."""

    decision: StoredDecisionAnswer
    excerpt: str


@router.get("/{decision_id}/explanation")
def show_explanation(
    principal: Reader, decision_id: DecisionId, backend: BackendDep, pages: PagesDep
) -> Response:
    """Show the text with what each word says for the chosen label of one level."""
    explanation = backend.explainer.explain(decision_id)
    stored = backend.service.get(decision_id)
    answer = stored_answer(stored, backend.service.city, masked=sees_masked(principal, stored))
    text = _shown(stored, principal)
    by_level = {level: found[0] for level, found in explanation.levels.items() if found}
    level = _choose(pages.request.query_params.get("level"), by_level)
    words = _words(by_level[level], text) if level else []
    marks = [
        *word_marks(words),
        *place_marks(answer, pages.locale),
        *danger_marks(explanation.danger_words, text, pages.locale),
    ]
    return _render_part(
        pages,
        "decision/explanation.html",
        decision_id,
        decision=answer,
        district=district_of(stored.decision, backend.service.city),
        segments=segments(text.text, marks),
        level=level,
        levels=[one for one in LEVELS if one in by_level],
        explained=by_level.get(level) if level else None,
        label=level and name_of(level, by_level[level].label, backend.service.city),
        words=sorted(words, key=lambda word: -abs(word.weight))[:STRONGEST],
        largest=max((abs(word.weight) for word in words), default=0.0),
        is_other_model=explanation.explained_by_another_model,
        purged_at=explanation.purged_at,
    )


@router.get("/{decision_id}/similar")
def show_similar(
    principal: Reader, decision_id: DecisionId, backend: BackendDep, pages: PagesDep
) -> Response:
    """Show appeals that are most like this one, and others of the same sender."""
    city = backend.service.city
    query, _ = filters.parse(pages.request.query_params, city)
    found = backend.similar.similar(decision_id, limit=SIMILAR)
    row = partial(_row, principal=principal, city=city)
    return _render_part(
        pages,
        "decision/similar.html",
        decision_id,
        query_string=links.link("", query.parameters()),
        similar=[(one.is_near_identical, row(one.stored)) for one in found],
        repeats=[row(one) for one in backend.similar.repeats(decision_id)],
    )


@router.get("/{decision_id}/timeline")
def show_timeline(
    principal: Reader, decision_id: DecisionId, backend: BackendDep, pages: PagesDep
) -> Response:
    """Show what the ledger holds of a decision."""
    events = backend.similar.timeline(decision_id)
    return _render_part(pages, "decision/timeline.html", decision_id, events=events)


def district_of(decision: Decision, city: City) -> District | None:
    """Return the district that the appeal's form named, None where it named none."""
    return city.districts.get(decision.appeal.district or "")


def place_marks(decision: StoredDecisionAnswer, locale: Locale) -> Iterator[Mark]:
    """Yield a mark for each place that the text tells."""
    for place in decision.route.places:
        note = f"{locale.tell(f'place.{place.kind}')}: {place.normal}"
        yield Mark(place.start, place.end, "place", note)


def danger_marks(spans: Iterable[Span], text: Masked, locale: Locale) -> Iterator[Mark]:
    """Yield a mark for each danger word."""
    for span in spans:
        yield Mark(*text.moved(*span), "danger", locale.tell("danger_words"))


def word_marks(words: Sequence[Word]) -> Iterator[Mark]:
    """Yield a mark for each word that says enough for the label, or against it."""
    largest = max((abs(word.weight) for word in words), default=0.0)
    for word in words:
        name = step(word.weight, largest)
        if name:
            yield Mark(word.start, word.end, name, f"{word.weight:+.2f}")


def _shown(stored: StoredDecision, principal: Principal) -> Masked:
    """Return the text as this reader sees it, which tells where its words have moved."""
    decision = stored.decision
    if not sees_masked(principal, stored):
        return Masked(decision.appeal.text, (), ())
    return mask(decision.appeal.text, "kk" if decision.language == "kk" else "ru")


def _words(explanation: Explanation, text: Masked) -> list[Word]:
    moved = [(*text.moved(one.start, one.end), one.weight) for one in explanation.spans]
    return [Word(text.text[start:end], start, end, weight) for start, end, weight in moved]


def _choose(asked: str | None, levels: Collection[Level]) -> Level | None:
    """Return the level that was asked for, else the first that can be explained."""
    return next((one for one in PREFERRED if one == asked and one in levels), None) or next(
        (one for one in PREFERRED if one in levels), None
    )


def _row(stored: StoredDecision, *, principal: Principal, city: City) -> Row:
    answer = stored_answer(stored, city, masked=sees_masked(principal, stored))
    return Row(answer, excerpt(answer.text, EXCERPT_CHARS))


def _render_part(pages: Pages, template: str, decision_id: str, **values: Any) -> Response:
    """Render a part of a decision's page: alone to htmx, as a page of its own otherwise."""
    path = f"{PAGES}decisions/{decision_id}"
    layout = "part.html" if pages.is_partial else "base.html"
    return pages.render(template, here=path, layout=layout, path=path, **values)
