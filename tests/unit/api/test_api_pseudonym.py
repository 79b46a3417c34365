from __future__ import annotations

import pytest

from api.pseudonym import Pseudonyms, canonical_sender

PSEUDONYMS = Pseudonyms(b"one secret", "astana")
PHONE = "+77010000001"


def test_pseudonym_of_the_same_sender_is_the_same() -> None:
    assert PSEUDONYMS.of(PHONE) == Pseudonyms(b"one secret", "astana").of(PHONE)
    assert len(PSEUDONYMS.of(PHONE)) == 64


@pytest.mark.parametrize(
    "other", [Pseudonyms(b"another secret", "astana"), Pseudonyms(b"one secret", "almaty")]
)
def test_pseudonym_by_another_secret_or_city_is_another(other: Pseudonyms) -> None:
    assert other.of(PHONE) != PSEUDONYMS.of(PHONE)


def test_pseudonyms_do_not_tell_their_secret() -> None:
    assert "one secret" not in repr(PSEUDONYMS)


@pytest.mark.parametrize(
    "spelling", ["87010000001", "8 (701) 000-00-01", "7 701 000 00 01", " +7.701.000.00.01 "]
)
def test_canonical_sender_spellings_of_one_phone_meet(spelling: str) -> None:
    assert canonical_sender(spelling) == PHONE


@pytest.mark.parametrize(
    ("sender", "other"),
    [
        (PHONE, "+77010000002"),
        ("resident-1", "resident-11"),
        ("1-23", "12-3"),
        ("+17010000001", PHONE),
        ("870100000012", PHONE),
    ],
)
def test_canonical_sender_of_others_is_another(sender: str, other: str) -> None:
    assert canonical_sender(sender) != canonical_sender(other)


def test_canonical_sender_case_and_width_do_not_matter() -> None:
    assert canonical_sender("Resident－Ａ") == canonical_sender("resident-a ")
