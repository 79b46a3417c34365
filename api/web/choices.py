"""What the lists of forms offer: values and their names in the reader's language."""

from __future__ import annotations

from typing import get_args

from api.web.filters import STATES
from api.web.language import Locale
from models.language import Language
from triage.appeal import Action, Channel
from triage.citydata import City

Choices = dict[str, list[tuple[str, str]]]


def offered(city: City, locale: Locale) -> Choices:
    """Return by field what may be chosen."""
    words = {
        "language": ("language.", get_args(Language)),
        "channel": ("channel.", tuple(Channel)),
        "action": ("action.", tuple(Action)),
        "state": ("filter.state.", tuple(STATES)),
        "urgent": ("filter.urgent.", ("yes", "no")),
    }
    named = {
        "category": [(one.code, one.name) for one in city.taxonomy.categories.values()],
        "district": [(one.code, one.name) for one in city.districts.by_code.values()],
    }
    return {
        name: [(str(value), locale.tell(f"{prefix}{value}")) for value in values]
        for name, (prefix, values) in words.items()
    } | {name: [(code, locale.pick(told)) for code, told in table] for name, table in named.items()}
