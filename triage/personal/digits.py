"""What a row of digits may be, by its length, its beginning and its check digit."""

from __future__ import annotations

import re
from datetime import date

_CENTURIES = {"0": (1900, 2000), "1": (1800,), "2": (1800,), "3": (1900,), "4": (1900,)} | {
    "5": (2000,),
    "6": (2000,),
}
"""By the seventh digit of an IIN; foreigners have 0."""

_FIRST_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_NO_DIGIT = 10

_BORN = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[0-6]\d{5}")
_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}

_CARD = re.compile(r"[2-6]\d{12,18}")
_WITH_TRUNK = re.compile(r"[78](?!80\d)[34789]\d{9}")
"""Kazakhstan and Russia: mobile and city numbers, but not 8-800, which is no person's."""

_MOBILE = re.compile(r"7(?:0\d|47|5[01]|6[0-4]|7\d)\d{7}")
_CITY = re.compile(r"(?:7[12]|[34])\d{8,9}")


def is_iin(digits: str) -> bool:
    """Tell whether 12 digits are an IIN: a date of birth, a century, a check digit that is right.

    By the rules of the IIN of Kazakhstan: weights 1 to 11 first, where those give 10 then 3 to 11,
    1, 2; a number that gives 10 again is not given out.
    """
    if not _BORN.fullmatch(digits):  # spares nearly all numbers the rest
        return False
    return _is_born(digits) and _check_digit(digits) == int(digits[11])


def is_card(digits: str) -> bool:
    """Tell whether digits are the number of a payment card: first digit, length, Luhn's sum."""
    if not _CARD.fullmatch(digits):
        return False
    doubled = sum(map(_DOUBLED.__getitem__, digits[-2::-2]))
    return (doubled + sum(map(int, digits[::-2]))) % 10 == 0


def is_phone_with_trunk(digits: str) -> bool:
    """Tell whether digits are a phone number with its 7 or 8."""
    return bool(_WITH_TRUNK.fullmatch(digits))


def is_mobile(digits: str) -> bool:
    """Tell whether digits are a mobile number of Kazakhstan without its 7 or 8."""
    return bool(_MOBILE.fullmatch(digits))


def is_city_phone(digits: str) -> bool:
    """Tell whether digits may be a city's code and a number in it."""
    return len(digits) == 10 and bool(_CITY.fullmatch(digits))


def _is_born(digits: str) -> bool:
    year, month, day = (int(digits[at : at + 2]) for at in (0, 2, 4))
    return any(_is_date(century + year, month, day) for century in _CENTURIES[digits[6]])


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _check_digit(digits: str) -> int:
    for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS):
        pairs = zip(digits, weights, strict=False)
        check = sum(int(digit) * weight for digit, weight in pairs) % 11
        if check != _NO_DIGIT:
            return check
    return -1
