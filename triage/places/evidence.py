"""How much tells that a name without a house is a street's."""

from __future__ import annotations

from triage.places.labels import is_plain
from triage.places.mentions import Mention
from triage.places.names import Caution
from triage.places.reading import Reading

WITH_KIND, IN_PLACE, BARE = 0.97, 0.85, 0.7
NOTHING = 0.0

_PATRONYMICS = ("вич", "вна", "вича", "вну", "вны")
_NEVER_OF_A_DISTRICT = frozenset({"на", "по", "вдоль"})


def evidence(reading: Reading, mention: Mention) -> float:
    """Return how sure it is that a name without a house is a street's, from 0 to 1."""
    if mention.kind:
        return WITH_KIND
    if reading.has(mention.end + 1, "along"):
        return IN_PLACE
    caution = mention.name.caution
    if _is_titled(reading, mention) or _is_named_after(reading, mention):
        return NOTHING
    if caution is Caution.PERSON and _is_person(reading, mention):
        return NOTHING
    if caution is Caution.NONE:
        return IN_PLACE if _is_before_street(reading, mention) or mention.locative else BARE
    return IN_PLACE if _is_in_place(reading, mention) else NOTHING


def _is_in_place(reading: Reading, mention: Mention) -> bool:
    """Tell whether a preposition or a case makes a name that means something else a street."""
    caution = mention.name.caution
    before = _is_before_street(reading, mention)
    undeclined = mention.exact or not mention.name.frozen
    if caution is Caution.CITY:
        return before and mention.exact and mention.name.frozen
    if caution is Caution.DISTRICT:
        return before and reading.at(mention.first - 1).text in _NEVER_OF_A_DISTRICT
    beside = reading.has(mention.end + 1, "beside") and is_plain(reading.at(mention.end + 1))
    if caution is Caution.PART:
        return mention.locative or beside or before
    alone = caution is Caution.PERSON and _is_alone(reading, mention)
    return (before and undeclined) or mention.locative or beside or alone


def may_be_street(reading: Reading, mention: Mention) -> bool:
    """Tell whether a name may be a street's in an appeal that is about some street."""
    if _is_titled(reading, mention) or _is_named_after(reading, mention):
        return False
    caution = mention.name.caution
    if caution is Caution.PERSON:
        return not _is_person(reading, mention) and not _is_signed(reading, mention)
    if caution in (Caution.DISTRICT, Caution.PART) or _is_of_more(reading, mention):
        return False
    if caution is Caution.CITY and not mention.name.frozen:
        return False
    return (mention.exact and _begins(reading, mention)) or reading.is_capital(mention.first)


def _is_signed(reading: Reading, mention: Mention) -> bool:
    """Tell whether a name signs the appeal."""
    return reading.has(mention.first - 1, "regards")


def _is_of_more(reading: Reading, mention: Mention) -> bool:
    """Tell whether a name is a part of a longer one (Республики Казахстан, День Победы)."""
    before = reading.at(mention.first - 1)
    same = before.sentence == reading.at(mention.first).sentence and is_plain(
        reading.at(mention.first)
    )
    longer = reading.is_capital(mention.last + 1) and is_plain(reading.at(mention.last + 1))
    named = same and (reading.is_capital(mention.first - 1) or "unit" in before.word.parts)
    return longer or named


def _begins(reading: Reading, mention: Mention) -> bool:
    before = reading.at(mention.first - 1)
    return before.sentence != reading.at(mention.first).sentence


def _is_before_street(reading: Reading, mention: Mention) -> bool:
    position = mention.begin - 1
    if reading.has(position, "determiner"):
        position -= 1
    if not is_plain(reading.at(mention.begin)):
        return False
    if reading.has(position, "corner") or reading.has(position, "crossing"):
        return True
    if not reading.has(position, "before_street"):
        return False
    return not any(reading.has(position - back, "complaint") for back in (1, 2))


def _is_titled(reading: Reading, mention: Mention) -> bool:
    """Tell whether a name is followed by what makes it a person's (Кенесары хан)."""
    after = reading.at(mention.last + 1)
    return "title" in after.word.parts and is_plain(after)


def _is_named_after(reading: Reading, mention: Mention) -> bool:
    """Tell whether a name stands after somebody's post or a place that has it (ЖК «Туран»)."""
    before = reading.at(mention.first - 1)
    told = {"person", "institution"} & before.word.parts
    return bool(told) and not reading.at(mention.first).gap.strip(' -—,:«"“')


def _is_person(reading: Reading, mention: Mention) -> bool:
    """Tell whether a surname stands before a first name or initials."""
    after = reading.at(mention.last + 1)
    initial = len(after.text) == 1 and reading.at(mention.last + 2).gap.startswith(".")
    patronymic = after.text.endswith(_PATRONYMICS)
    capital = reading.is_title(mention.last + 1) and not after.word.is_known and after.gap == " "
    return initial or patronymic or capital


def _is_alone(reading: Reading, mention: Mention) -> bool:
    """Tell whether a sentence begins with a name alone: `Петрова, яма`, `Петрова у моста`."""
    if not _begins(reading, mention):
        return False
    after = reading.at(mention.last + 1)
    return bool(after.gap.strip()) or not after.text or "filler" in after.word.parts
