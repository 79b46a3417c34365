"""Streets named in a text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from triage.places.keys import is_locative
from triage.places.labels import Labels, is_plain
from triage.places.names import Caution, NameWord, StreetName, StreetNames
from triage.places.reading import Reading

TYPO, SHARED = 0.85, 0.6

_NAME_GAPS = ("", " ", "-", "  ")
_ON_IT = ("нда", "нде")
_KIND_GAPS = " .-"


@dataclass(frozen=True, slots=True)
class Mention:
    """A street's name in a text.

    Attributes
    ----------
    first, last
        The tokens of the name.
    begin, end
        The same with the kind of street around it.
    kind
        The kind that the text tells, empty if none.
    exact
        Whether the name stands in a form in which it is listed.
    locative
        Whether it is in the Kazakh case of being in a place.
    typo
        Whether a letter is wrong.
    """

    name: StreetName
    first: int
    last: int
    begin: int
    end: int
    kind: str = ""
    exact: bool = True
    locative: bool = False
    typo: bool = False

    @property
    def normal(self) -> str:
        """The street's Russian name."""
        return self.name.normal(self.kind)

    def is_in_place(self, reading: Reading) -> bool:
        """Tell whether it is said what is on the street, in Kazakh: no house can follow then."""
        return self.locative or (bool(self.kind) and reading.at(self.end).text.endswith(_ON_IT))

    @property
    def doubt(self) -> float:
        """What a typo, and a name of several streets, leave of the confidence."""
        shared = not self.kind and len(set(self.name.streets.values())) > 1
        return (TYPO if self.typo else 1) * (SHARED if shared else 1)


def find_mentions(names: StreetNames, labels: Labels) -> list[Mention]:
    """Return the names of streets in a text that nothing has claimed, the longest of each place."""
    reading = labels.reading
    mentions = []
    position = 0
    while position < len(reading.tokens):
        word = reading.tokens[position].word
        mention = None
        if word.names and position not in labels.claimed:
            mention = _longest(names, reading, position)
        elif word.misspelt:
            mention = _misspelt(names, labels, position)
        if mention:
            mentions.append(_with_kind(reading, mention))
        position = mention.last + 1 if mention else position + 1
    return mentions


def _longest(names: StreetNames, reading: Reading, position: int) -> Mention | None:
    found = [
        mention
        for word in reading.at(position).word.names
        if word.payload.position == 0
        and (mention := _whole(names, reading, position, word.payload))
    ]
    return max(found, key=_preference, default=None)


def _preference(mention: Mention) -> tuple[bool, int, bool]:
    return mention.name.caution is not Caution.PART, mention.name.size, mention.exact


def _whole(names: StreetNames, reading: Reading, position: int, start: NameWord) -> Mention | None:
    """Return the mention of a name whose first word stands at a token, if all of it follows."""
    name = names.names[start.name]
    ending, exact = "", True
    for offset in range(name.size):
        token = reading.at(position + offset)
        if offset and token.gap not in _NAME_GAPS:
            return None
        word = next((w for w in token.word.names if _is_at(w.payload, start.name, offset)), None)
        if word is None:
            return None
        ending, exact = word.ending, exact and word.ending == word.payload.ending
    last = position + name.size - 1
    return Mention(
        name, position, last, position, last, exact=exact, locative=is_locative(_case(ending))
    )


def _case(ending: str) -> str:
    """Return an ending without the vowel that the stem has lost (Сарыарқа-да)."""
    return ending[1:] if ending[:1] in set("aeiou") and not is_locative(ending) else ending


def _is_at(word: NameWord, name: int, position: int) -> bool:
    return word.name == name and word.position == position


def _misspelt(names: StreetNames, labels: Labels, position: int) -> Mention | None:
    """Return the mention of a name with a typo, where the words around tell of a street."""
    reading = labels.reading
    for found in reading.at(position).word.misspelt:
        word, ending = found.payload, found.ending
        name = names.names[word.name]
        first = position - word.position
        others_agree = all(
            any(_is_at(w.payload, word.name, offset) for w in reading.at(first + offset).word.names)
            for offset in range(name.size)
            if offset != word.position
        )
        if others_agree and _may_be_misspelt(labels, name, first):
            last = first + name.size - 1
            in_place = is_locative(_case(ending))
            return Mention(name, first, last, first, last, locative=in_place, typo=True)
    return None


def _may_be_misspelt(labels: Labels, name: StreetName, first: int) -> bool:
    """Tell whether a name's other words, its kind, a house or a preposition vouch for it."""
    reading = labels.reading
    before, after = reading.at(first - 1), reading.at(first + name.size)
    if name.size > 1 or before.word.street_kind or after.word.street_kind:
        return True
    if is_plain(reading.at(first)):
        if "surely_before_street" in before.word.parts:
            return True
        if "joining" in before.word.parts and reading.at(first - 2).word.names:
            return True
    number = labels.starting(first + name.size)
    housed = number and not number.is_measure and not number.ordinal
    return bool(housed) and after.gap in (" ", ", ")


def _with_kind(reading: Reading, mention: Mention) -> Mention:
    """Take in the kind of street that stands before a name, or after it."""
    before = _kind_before(reading, mention.first)
    if before >= 0:
        return replace(mention, begin=before, kind=reading.at(before).word.street_kind)
    after = reading.at(mention.last + 1)
    told = after.word.street_kind and after.gap in (" ", "-", "")
    if not told or _is_next_name(reading, mention):
        return mention
    return replace(mention, end=mention.last + 1, kind=after.word.street_kind)


def _kind_before(reading: Reading, first: int) -> int:
    """Return where the kind stands: just before a name, or before an initial or first name."""
    if reading.at(first).gap.strip(_KIND_GAPS + '«"“'):
        return -1
    if reading.at(first - 1).word.street_kind:
        return first - 1
    initial = reading.at(first - 1)
    given = len(initial.text) == 1 or reading.is_capital(first - 1)
    plain = not initial.word.is_known and not initial.gap.strip(_KIND_GAPS)
    if given and plain and not initial.is_number and reading.at(first - 2).word.street_kind:
        return first - 2
    return -1


def _is_next_name(reading: Reading, mention: Mention) -> bool:
    """Tell whether the Russian kind after a name is that of the next one (Абая улица Кенесары)."""
    after = reading.at(mention.last + 2)
    kazakh = reading.has(mention.last + 1, "kind_after")
    return not kazakh and bool(after.word.names) and is_plain(after)
