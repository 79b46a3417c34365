"""Numbers that are the name of something: `4 поликлиника`, `маршруты 12 и 46`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from triage.places.number import Number
from triage.places.reading import Reading, Token

_PLAIN = " -–—‑«»\"“”„'"
_BEFORE_NUMBER = _PLAIN + "№#:("
_FEW = range(2, 5)
_TEENS = range(11, 15)
_MANY_ENDINGS = ("ов", "ев", "ей")
_FEW_ENDINGS = ("а", "я")
_NO_FEW_ENDINGS = ("ла", "ая", "яя", "ся")
_COUNTING_KAZAKH = range(2, 21)
_COMPANY = ("мен", "бен", "пен")
_OCLOCK = 24

Accepts = Callable[[Number], bool]


@dataclass
class Labels:
    """The numbers of a text that no place has claimed yet."""

    reading: Reading
    numbers: Iterable[Number]
    claimed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.numbers = tuple(self.numbers)
        self.by_first = {number.first: number for number in self.numbers}
        self.by_last = {number.last: number for number in self.numbers}

    def claim(self, first: int, last: int) -> None:
        """Keep tokens from being taken for another place."""
        self.claimed.update(range(first, last + 1))

    def claimed_with(self, noun: int, numbers: list[Number]) -> Iterator[tuple[int, int, Number]]:
        """Claim a noun's numbers; yield the tokens of each, the nearest with the noun."""
        nearest = min(numbers, key=lambda number: abs(number.first - noun), default=None)
        for number in numbers:
            first, last = number.first, number.last
            if number is nearest:
                first, last = min(first, noun), max(last, noun)
            self.claim(first, last)
            yield first, last, number

    def is_free(self, number: Number) -> bool:
        """Tell whether no place has claimed a number."""
        return number.first not in self.claimed

    def starting(self, position: int) -> Number | None:
        """Return the unclaimed number that starts at a token."""
        number = self.by_first.get(position)
        return number if number and self.is_free(number) else None

    def ending(self, position: int) -> Number | None:
        """Return the unclaimed number that ends at a token."""
        number = self.by_last.get(position)
        return number if number and self.is_free(number) else None

    def before(self, noun: int, adjective: str, accepts: Accepts) -> list[Number]:
        """Return the numbers that a noun has before it, the farthest first."""
        at = noun - 1
        while self.reading.has(at, adjective) and is_plain(self.reading.at(at + 1)):
            at -= 1
        if not is_plain(self.reading.at(at + 1)):
            return []
        found: list[Number] = []
        while (number := self.ending(at)) and accepts(number):
            found.insert(0, number)
            at = self._joined_before(number.first)
        return found

    def after(self, noun: int, skipped: frozenset[str], accepts: Accepts) -> list[Number]:
        """Return the numbers that a noun has after it, the nearest first."""
        at = noun + 1
        while skipped & self.reading.at(at).word.parts and not self.starting(at):
            if self.reading.at(at).gap.strip(_BEFORE_NUMBER + "."):
                return []
            at += 1
        if self.reading.at(at).gap.strip(_BEFORE_NUMBER + "."):
            return []
        if "." in self.reading.at(at).gap and not self._abbreviated(at - 1):
            return []
        found: list[Number] = []
        while (number := self.starting(at)) and accepts(number):
            found.append(number)
            at = self._joined_after(number.last)
        return found

    def _abbreviated(self, position: int) -> bool:
        return bool({"abbreviation", "number_sign"} & self.reading.at(position).word.parts)

    def _joined_before(self, first: int) -> int:
        """Return the token on which a number joined to this one would end; -1 if none can."""
        if self.reading.at(first).gap.strip() == ",":
            return first - 1
        if self.reading.has(first - 1, "joining") and is_plain(self.reading.at(first)):
            return first - 2
        return -1

    def _joined_after(self, last: int) -> int:
        """Return the token on which a number joined to this one would start; -1 if none can."""
        after = self.reading.at(last + 1)
        if after.gap.strip(" №") == "," and after.is_number:
            return last + 1
        if "joining" in after.word.parts and is_plain(after):
            return last + 2
        return -1


def is_plain(token: Token) -> bool:
    """Tell whether a token follows the one before it with nothing of weight between them."""
    return not token.gap.strip(_PLAIN)


def ends_clause(reading: Reading, position: int) -> bool:
    """Tell whether something of weight follows a token, or nothing at all."""
    return not is_plain(reading.at(position + 1)) or position + 1 >= len(reading.tokens)


def is_count(reading: Reading, number: Number, noun: int) -> bool:
    """Tell a count (5 школ, 2 автобуса, 3 мектеп бар) from a name (5 школа, у 2 школы)."""
    parts = reading.at(noun).word.parts
    if "many" in parts and not number.marked:
        return True
    if number.ordinal or number.marked:
        return False
    if number.spoken:
        return True
    if "few" in parts and number.value in _FEW:
        return not reading.has(number.first - 1, "governs")
    if number.value in _FEW and reading.at(noun).text.endswith(_COMPANY):
        return True
    return number.value in _COUNTING_KAZAKH and _exists(reading, noun + 1)


def _exists(reading: Reading, position: int) -> bool:
    """Tell whether something is said to be there, in the next word or the one after."""
    near = (position, position + 1) if is_plain(reading.at(position + 1)) else (position,)
    return is_plain(reading.at(position)) and any(reading.has(at, "existing") for at in near)


def counts_many(reading: Reading, number: Number) -> bool:
    """Tell whether the noun after a number is in the form of five and more: `5 фонарей`."""
    after = reading.at(number.last + 1)
    few = number.value % 10 in range(1, 5) and number.value not in _TEENS
    if few or number.marked or number.ordinal or not is_plain(after):
        return False
    return after.text.endswith(_MANY_ENDINGS)


def counts_few(reading: Reading, number: Number) -> bool:
    """Tell whether the noun after a number is in the form of two to four: `3 лифта`."""
    after = reading.at(number.last + 1)
    if number.value not in _FEW or number.marked or number.ordinal or not is_plain(after):
        return False
    return after.text.endswith(_FEW_ENDINGS) and not after.text.endswith(_NO_FEW_ENDINGS)


def is_oclock(number: Number) -> bool:
    """Tell whether a number in a Kazakh case may be a time of day (8-де)."""
    return number.in_case and "gi" not in number.ending and number.value <= _OCLOCK
