"""The pages' language: chosen by the reader, kept in a cookie, worded in one catalogue each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from babel import Locale as Conventions
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from fastapi import Request

from api.schemas.answers import Named
from triage import messages
from triage.appeal import Bilingual
from triage.timezone import KAZAKHSTAN

LANGUAGES = ("ru", "kk", "en")
DEFAULT = "ru"
PARAMETER = COOKIE = "lang"

REGIONS = {"ru": "ru_KZ", "kk": "kk_KZ", "en": "en_GB"}
"""Whose conventions for dates and numbers each language follows; none stands for English here."""

_FOLDER = Path(__file__).parent / "locale"
_FORMS = ("one", "few", "many")
"""Plural categories in the order of a catalogue's forms; "other" is the last one."""


@dataclass(frozen=True, slots=True)
class Locale:
    """A language, its wording and its conventions.

    Attributes
    ----------
    words, forms
        By key: messages, and the forms of those that count something.
    """

    language: str
    words: Mapping[str, str]
    forms: Mapping[str, tuple[str, ...]]
    conventions: Conventions

    def tell(self, key: str, **values: str) -> str:
        """Return the wording of a key, filled in; KeyError for an unknown key."""
        return self.words[key].format(**values)

    def count(self, key: str, n: int, **values: str) -> str:
        """Return the wording for a number of things; KeyError for an unknown key."""
        forms = self.forms[key]
        category = self.conventions.plural_form(n)
        form = forms[_FORMS.index(category)] if category in _FORMS else forms[-1]
        return form.format(n=self.number(n), **values)

    def has(self, key: str) -> bool:
        """Tell whether there is such a key."""
        return key in self.words

    def pick(self, message: Bilingual) -> str:
        """Return the message in Kazakh for Kazakh readers, in Russian for others."""
        return message.kk if self.language == "kk" else message.ru

    def pick_other(self, message: Bilingual) -> str:
        """Return the message in the language that `pick` leaves out."""
        return message.ru if self.language == "kk" else message.kk

    def reason(self, code: str, message: Bilingual) -> str:
        """Return why something was decided; English has its own wording by code."""
        key = f"reason.{code}"
        return self.words[key] if key in self.words else self.pick(message)

    def name(self, named: Named) -> str:
        """Return a name in the reader's language, the code where there is none."""
        return (named.name_kk if self.language == "kk" else named.name_ru) or named.code

    def percent(self, share: float) -> str:
        """Return a share as the reader's language writes it."""
        told = messages.percent(share)
        return told.replace(",", ".") if self.language == "en" else told

    def number(self, value: float) -> str:
        """Return a number as the reader's language writes it."""
        return format_decimal(value, locale=self.conventions)

    def time(self, moment: datetime) -> str:
        """Return a time of day in Kazakhstan."""
        return moment.astimezone(KAZAKHSTAN).strftime("%d.%m.%Y %H:%M")

    def day(self, day: date) -> str:
        """Return a day of a year that is known, the month in words."""
        return format_date(day, "d MMM", locale=self.conventions)

    def moment(self, moment: datetime) -> str:
        """Return a day and time in Kazakhstan, the month in words."""
        local = moment.astimezone(KAZAKHSTAN)
        return format_datetime(local, "d MMM y, HH:mm", locale=self.conventions)

    def span(self, duration: timedelta) -> str:
        """Return how long something takes, in its largest unit."""
        return format_timedelta(abs(duration), threshold=1.2, locale=self.conventions)


@cache
def load_locale(language: str) -> Locale:
    """Read the wording of a language."""
    path = _FOLDER / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalogue = list(read_po(file, locale=language))
    words = {one.id: str(one.string) for one in catalogue if one.id and isinstance(one.id, str)}
    forms = {one.id[0]: tuple(one.string or ()) for one in catalogue if isinstance(one.id, tuple)}
    return Locale(language, words, forms, Conventions.parse(REGIONS[language]))


def choose_language(request: Request) -> str:
    """Return the language that was asked for: by link, before, or by the browser."""
    asked = request.query_params.get(PARAMETER), request.cookies.get(COOKIE)
    accepted = (
        part.split(";")[0].strip()[:2].lower()
        for part in request.headers.get("accept-language", "").split(",")
    )
    return next((one for one in (*asked, *accepted) if one in LANGUAGES), DEFAULT)
