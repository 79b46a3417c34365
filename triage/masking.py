"""Hides who wrote an appeal from readers who need not know: numbers, addresses, names.

What tells where something happened stays: streets and houses, bus routes, schools.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from triage.personal import HIDDEN, Kind, Span
from triage.personal.names import find_names
from triage.personal.numbers import find_accounts, find_emails, find_numbers
from triage.place import Place
from triage.store.decisions import StoredDecision

Reader = Literal["ru", "kk", "en"]

MARKS: dict[Reader, dict[Kind, str]] = {
    "ru": {
        Kind.IIN: "[ИИН]",
        Kind.PHONE: "[телефон]",
        Kind.EMAIL: "[эл. почта]",
        Kind.CARD: "[карта]",
        Kind.ACCOUNT: "[счёт]",
        Kind.NAME: "[ФИО]",
    },
    "kk": {
        Kind.IIN: "[ЖСН]",
        Kind.PHONE: "[телефон]",
        Kind.EMAIL: "[эл. пошта]",
        Kind.CARD: "[карта]",
        Kind.ACCOUNT: "[шот]",
        Kind.NAME: "[аты-жөні]",
    },
    "en": {
        Kind.IIN: "[IIN]",
        Kind.PHONE: "[phone]",
        Kind.EMAIL: "[e-mail]",
        Kind.CARD: "[card]",
        Kind.ACCOUNT: "[account]",
        Kind.NAME: "[name]",
    },
}
"""What stands for personal data, in the reader's language."""

_FINDERS: tuple[Callable[[str], Iterable[Span]], ...] = (
    find_accounts,
    find_emails,
    find_numbers,
    find_names,
)
"""In this order: what one has found is nothing to those after it."""

_MARK = re.compile("|".join(re.escape(mark) for by in MARKS.values() for mark in by.values()))


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with marks in the place of personal data.

    Attributes
    ----------
    spans
        What was replaced, where it stood in the original text, in that order.
    lengths
        Of the mark of each span, in characters.
    """

    text: str
    spans: tuple[Span, ...]
    lengths: tuple[int, ...]

    def moved(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of the original text is now; marks that it touches are in it."""
        shift = grown = 0
        for span, length in zip(self.spans, self.lengths, strict=True):
            change = length - (span.end - span.start)
            if span.end <= start:
                shift += change
            elif span.start < end:
                start, end = min(start, span.start), max(end, span.end)
                grown += change
        return start + shift, end + shift + grown


def mask(text: str, reader: Reader = "ru") -> Masked:
    """Replace personal data with marks; masking the result again changes nothing."""
    rest = _MARK.sub(lambda found: HIDDEN * len(found[0]), text)
    spans: list[Span] = []
    for find in _FINDERS:
        found = list(find(rest))
        rest = _replace(rest, [(span, HIDDEN * (span.end - span.start)) for span in found])
        spans += found
    spans.sort(key=lambda span: span.start)
    marks = [MARKS[reader][span.kind] for span in spans]
    masked = _replace(text, list(zip(spans, marks, strict=True)))
    return Masked(masked, tuple(spans), tuple(map(len, marks)))


def mask_stored(stored: StoredDecision) -> StoredDecision:
    """Mask the words of a stored decision: of its appeal and address, and of its reviews."""
    decision = stored.decision
    appeal, route = decision.appeal, decision.route
    reader: Reader = "kk" if decision.language == "kk" else "ru"
    text = mask(appeal.text, reader)
    shown = replace(
        decision,
        appeal=replace(
            appeal,
            text=text.text,
            address=appeal.address and mask(appeal.address, reader).text,
        ),
        route=replace(route, places=tuple(_moved(place, text) for place in route.places)),
    )
    reviews = tuple(
        replace(review, reason=review.reason and mask(review.reason, reader).text)
        for review in stored.reviews
    )
    return replace(stored, decision=shown, reviews=reviews)


def _moved(place: Place, text: Masked) -> Place:
    start, end = text.moved(place.start, place.end)
    return replace(place, start=start, end=end)


def _replace(text: str, replacements: list[tuple[Span, str]]) -> str:
    parts, end = [], 0
    for span, replacement in replacements:
        parts += [text[end : span.start], replacement]
        end = span.end
    return "".join([*parts, text[end:]])
