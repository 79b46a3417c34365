"""The pages' language: chosen by the reader, kept in a cookie, worded in one file a language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from fastapi import Request

from api.schemas.answers import Named
from triage import messages
from triage.appeal import Bilingual

LANGUAGES = ("ru", "kk", "en")
DEFAULT = "ru"
PARAMETER = COOKIE = "lang"

KAZAKHSTAN = timezone(timedelta(hours=5))
"""One time zone for the whole country since March 2024."""

_FOLDER = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Locale:
    """A language and its wording."""

    language: str
    words: Mapping[str, str]

    def tell(self, key: str, **values: str) -> str:
        """Return the wording of a key, filled in; KeyError for an unknown key."""
        return self.words[key].format(**values)

    def has(self, key: str) -> bool:
        """Tell whether there is such a key."""
        return key in self.words

    def pick(self, message: Bilingual) -> str:
        """Return the message in Kazakh for Kazakh readers, in Russian for others."""
        return message.kk if self.language == "kk" else message.ru

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

    def time(self, moment: datetime) -> str:
        """Return a time of day in Kazakhstan."""
        return moment.astimezone(KAZAKHSTAN).strftime("%d.%m.%Y %H:%M")


@cache
def load_locale(language: str) -> Locale:
    """Read the wording of a language."""
    words = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return Locale(language, words)


def choose_language(request: Request) -> str:
    """Return the language that was asked for: by link, before, or by the browser."""
    asked = request.query_params.get(PARAMETER), request.cookies.get(COOKIE)
    accepted = (
        part.split(";")[0].strip()[:2].lower()
        for part in request.headers.get("accept-language", "").split(",")
    )
    return next((one for one in (*asked, *accepted) if one in LANGUAGES), DEFAULT)
