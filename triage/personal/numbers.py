"""Finds IINs, phones, cards, bank accounts and e-mail addresses; time grows with the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from string import ascii_letters

from triage.personal.digits import (
    is_card,
    is_city_phone,
    is_iin,
    is_mobile,
    is_phone_with_trunk,
)
from triage.personal.span import HIDDEN, Kind, Span

_ACCOUNT = re.compile(
    rf"(?<![\w{HIDDEN}])[KК]Z ?\d\d(?: ?[A-Z0-9]){{16}}(?![\w{HIDDEN}])", re.IGNORECASE
)
# A possessive part and a boundary before it: no character is read twice.
_EMAIL = re.compile(
    rf"(?<![\w.+%{HIDDEN}-])[\w+%-][\w.+%-]*+@[\w-]++(?:\.[\w-]++)*\.[^\W\d_]{{2,}}(?![\w@+%{HIDDEN}-])"
)

_GROUP = re.compile(r"(\+ ?\(?|\(|)([0-9]+)")
_GAP = re.compile(r"[ \t\u00a0\u202f().\-–—‑]{1,3}")
_MAX_GROUPS, _MAX_DIGITS = 6, 19
_MOBILE_DIGITS, _TRUNK_DIGITS = 10, 11
_CARD_DIGITS, _ABROAD = range(13, _MAX_DIGITS + 1), range(10, 16)

_Shape = tuple[int, ...]
"""How many digits each group of a number has."""

_LOCAL: set[_Shape] = {(2, 2, 2), (3, 2, 2), (1, 2, 2), (3, 3), (6,)}
_IIN_SHAPES: set[_Shape] = {(12,), (6, 6), (4, 4, 4), (3, 3, 3, 3)}
_AMEX_SHAPE = (4, 6, 5)

_CODE_LETTERS = frozenset(ascii_letters + "_" + HIDDEN)

_CALL = re.compile(
    rf"(?<![\w{HIDDEN}])(?:тел|телефон\w*|моб|сот|звони\w*|позвони\w*|ватсап|вотсап|whatsapp|"
    r"қоңырау шал\w*|хабарлас\w*)$",
    re.IGNORECASE,
)
_CALL_REACH = 30
_MONEY = re.compile(r"\s?(?:тенге|теңге|тг|тнг|₸|руб|млн|млрд|тыс|kzt)", re.IGNORECASE)


def find_accounts(text: str) -> Iterator[Span]:
    """Yield the bank accounts (IBAN) of Kazakhstan."""
    return (Span(*found.span(), Kind.ACCOUNT) for found in _ACCOUNT.finditer(text))


def find_emails(text: str) -> Iterator[Span]:
    """Yield the e-mail addresses."""
    return (Span(*found.span(), Kind.EMAIL) for found in _EMAIL.finditer(text))


def find_numbers(text: str) -> Iterator[Span]:
    """Yield IINs, phones and cards, however their digits are grouped."""
    groups = _Groups.of(text)
    at = 0
    while at < len(groups.starts):
        stop = _end_of_number(groups, at)
        if stop is None:
            at += 1
        else:
            yield stop[1]
            at = stop[0]


@dataclass(frozen=True, slots=True)
class _Groups:
    """The groups of digits of a text.

    Attributes
    ----------
    openings
        Plus and bracket before each.
    starts, ends
        Of the digits alone.
    joined
        Whether a group may belong to one number with the group before.
    totals
        Digits of all groups before each.
    """

    text: str
    openings: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]
    sizes: _Shape
    joined: Sequence[bool]
    all_digits: str
    totals: Sequence[int]

    @classmethod
    def of(cls, text: str) -> _Groups:
        found = list(_GROUP.finditer(text))
        starts, ends = [one.start(2) for one in found], [one.end() for one in found]
        sizes = tuple(map(int.__sub__, ends, starts))
        return cls(
            text,
            openings=[one[1] for one in found],
            starts=starts,
            ends=ends,
            sizes=sizes,
            joined=[
                bool(_GAP.fullmatch(text, *gap)) for gap in zip([0, *ends], starts, strict=False)
            ],
            all_digits="".join(one[2] for one in found),
            totals=list(accumulate(sizes, initial=0)),
        )

    def digits(self, first: int, stop: int) -> str:
        """Return the digits of some groups."""
        return self.all_digits[self.totals[first] : self.totals[stop]]


def _end_of_number(groups: _Groups, first: int) -> tuple[int, Span] | None:
    """Return the longest number that begins with a group, and the group after it."""
    if not _may_begin(groups, first) or _is_in_word(groups.text, groups.starts[first] - 1):
        return None
    opening = groups.openings[first]
    sizes = groups.sizes[first : _reach(groups, first)]
    for count in range(len(sizes), 0, -1) if "+" in opening else _counts(sizes):
        stop = first + count
        end = groups.ends[stop - 1]
        kind = None if _is_in_word(groups.text, end) else _kind(groups, first, stop)
        if kind is not None:
            return stop, Span(groups.starts[first] - len(opening), end, kind)
    return None


@lru_cache(maxsize=4096)
def _counts(sizes: _Shape) -> tuple[int, ...]:
    """Return how many of some groups may be a number without a plus, the most first.

    There are few different rows of sizes, often seen.
    """
    return tuple(count for count in range(len(sizes), 0, -1) if _may_be_shaped(sizes[:count]))


def _may_be_shaped(shape: _Shape) -> bool:
    if shape in _LOCAL or shape in _IIN_SHAPES or _is_shaped_as_card(shape):
        return True
    # Not a time and a date: the code is not torn apart.
    total = sum(shape)
    if total == _TRUNK_DIGITS:
        return shape[0] >= 4 or (shape[0] == 1 and shape[1] >= 3)
    return total == _MOBILE_DIGITS and shape[0] >= 3


def _may_begin(groups: _Groups, first: int) -> bool:
    """Whether a number may begin so; spares most groups of a table of numbers the rest."""
    if groups.sizes[first] >= 3 or "+" in groups.openings[first]:
        return True
    is_trunk = groups.text[groups.starts[first]] in "78" and groups.sizes[first] == 1
    shape = groups.sizes[first : first + 3]
    return shape in _LOCAL or (is_trunk and max(shape[1:2], default=0) >= 3)


def _reach(groups: _Groups, first: int) -> int:
    """Return the end of the groups that may belong to one number with the first."""
    at = first + 1
    last = min(len(groups.starts), first + _MAX_GROUPS)
    most = groups.totals[first] + _MAX_DIGITS
    while at < last and groups.joined[at] and groups.totals[at + 1] <= most:
        at += 1
    return at


def _is_in_word(text: str, at: int) -> bool:
    """Whether a Latin letter stands there: part of a code. Cyrillic ones are just run together."""
    return 0 <= at < len(text) and text[at] in _CODE_LETTERS


def _kind(groups: _Groups, first: int, stop: int) -> Kind | None:
    shape = groups.sizes[first:stop]
    if shape in _IIN_SHAPES and is_iin(groups.digits(first, stop)):
        return Kind.IIN
    if _is_shaped_as_card(shape) and is_card(groups.digits(first, stop)):
        return Kind.CARD
    if not _is_phone(groups, first, stop, shape):
        return None
    return None if _MONEY.match(groups.text, groups.ends[stop - 1]) else Kind.PHONE


def _is_shaped_as_card(shape: _Shape) -> bool:
    fours = set(shape[:-1]) == {4} and shape[-1] <= 4
    return sum(shape) in _CARD_DIGITS and (len(shape) == 1 or fours or shape == _AMEX_SHAPE)


def _is_phone(groups: _Groups, first: int, stop: int, shape: _Shape) -> bool:
    if shape in _LOCAL:
        return _is_called(groups, first)
    digits = groups.digits(first, stop)
    if "+" in groups.openings[first]:
        return len(digits) in _ABROAD
    if is_phone_with_trunk(digits) or is_mobile(digits):
        return True
    return groups.openings[first] == "(" and is_city_phone(digits)


def _is_called(groups: _Groups, first: int) -> bool:
    """Whether the words before speak of calling: a number without its code is too short else."""
    start = groups.starts[first]
    before = groups.text[max(0, start - _CALL_REACH) : start].rstrip(" .:№,–—-")
    return before[-1:].isalpha() and bool(_CALL.search(before))
