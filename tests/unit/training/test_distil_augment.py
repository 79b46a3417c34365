from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from training.distil.augment import augment, in_latin, lose_letters, slip

SPELLINGS = Path(__file__).parent / "data" / "distil_spellings.tsv"
SEEDS = range(400)
LATIN = set("abcdefghijklmnopqrstuvwxyz")


def table() -> list[tuple[str, str, str]]:
    with SPELLINGS.open(encoding="utf-8") as lines:
        return [
            (row["kind"], row["text"], row["spellings"])
            for row in csv.DictReader(lines, delimiter="\t")
        ]


def share_in_latin(language: str, text: str) -> float:
    found = [augment(text, language, Random(seed)) for seed in SEEDS]  # type: ignore[arg-type]  # a literal
    return sum(bool(LATIN & set(one)) for one in found) / len(found)


@pytest.mark.parametrize(("kind", "text", "spellings"), table())
def test_respelling_gives_each_spelling_of_the_table_and_no_other(
    kind: str, text: str, spellings: str
) -> None:
    if kind == "lost":
        found = {lose_letters(text, Random(seed)) for seed in SEEDS}
    else:
        found = {in_latin(text, kind, Random(seed)) for seed in SEEDS}
    assert found == set(spellings.split(" ") if "," not in spellings else [spellings])


def test_in_latin_a_letter_is_spelled_one_way_throughout() -> None:
    found = {in_latin("жа жа жа", "ru", Random(seed)) for seed in SEEDS}
    assert found == {"zha zha zha", "ja ja ja"}


def test_lose_letters_nine_in_ten_are_lost() -> None:
    lost = lose_letters("қ" * 2_000, Random(1)).count("к")
    assert 1_750 <= lost <= 1_850


def test_slip_two_letters_gives_each_slip_by_hand() -> None:
    found = Counter(slip("да", Random(seed)) for seed in range(20_000))
    mistaken = {letter + "а" for letter in "аеиоукнтсрл"}
    assert found.keys() == {"да", "ад", "а", "дда"} | mistaken
    assert 0.03 < 1 - found["да"] / 20_000 < 0.05


@pytest.mark.parametrize("text", ["", "5", "а", "1 а 2 б", "?!"])
def test_slip_no_two_letters_together_stays_as_it_is(text: str) -> None:
    assert {slip(text, Random(seed)) for seed in SEEDS} == {text}


def test_augment_other_language_keeps_its_letters() -> None:
    assert share_in_latin("other", "қала дауа") == 0


def test_augment_russian_is_in_latin_two_times_in_three() -> None:
    assert 0.58 < share_in_latin("ru", "Во дворе мусор") < 0.72


@pytest.mark.parametrize("language", ["kk", "mixed"])
def test_augment_kazakh_loses_its_letters_or_comes_in_latin(language: str) -> None:
    found = [augment("ққққққ", language, Random(seed)) for seed in SEEDS]  # type: ignore[arg-type]  # a literal
    lost = sum(one.count("к") >= 3 for one in found) / len(found)
    assert 0.38 < share_in_latin(language, "ққққққ") < 0.53
    assert 0.13 < lost < 0.27


def test_augment_same_seed_gives_the_same_text() -> None:
    text = "Жолдағы шұңқырды жөндеп беріңізші"
    assert augment(text, "kk", Random(5)) == augment(text, "kk", Random(5))
