from __future__ import annotations

from collections.abc import Callable

import pytest

from models import remembered
from models.remembered import Remembered


def size(chunk: str) -> list[int]:
    return [len(chunk), -1]


def letters(chunk: str) -> list[int]:
    return [ord(letter) for letter in chunk if letter.isalpha()]


def noted(asked: list[str]) -> Callable[[str], list[int]]:
    def tell(chunk: str) -> list[int]:
        asked.append(chunk)
        return size(chunk)

    return tell


def test_of_texts_gives_what_each_teller_says_in_order() -> None:
    sizes, found = Remembered(size, letters).of_texts([["a", "bcd"], [], ["1"]])
    assert sizes.numbers.tolist() == [1, -1, 3, -1, 1, -1]
    assert sizes.sizes.tolist() == [4, 0, 2]
    assert found.numbers.tolist() == [97, 98, 99, 100]
    assert found.sizes.tolist() == [4, 0, 0]
    assert sizes.rows.tolist() == [0, 0, 0, 0, 2, 2]


def test_of_texts_no_texts_gives_no_numbers() -> None:
    (told,) = Remembered(size).of_texts([])
    assert told.numbers.tolist() == []
    assert told.sizes.tolist() == []


def test_of_texts_chunk_that_comes_again_is_not_told_again() -> None:
    asked: list[str] = []
    known = Remembered(noted(asked))
    first, second = (known.of_texts([["воды", "нет", "воды"]])[0] for _ in range(2))
    assert first.numbers.tolist() == second.numbers.tolist()
    assert asked == ["воды", "нет"]


def test_of_texts_long_chunk_is_told_and_not_kept() -> None:
    known = Remembered(size)
    long = "а" * (remembered.MAX_CHARS + 1)
    assert known.of_texts([[long]])[0].numbers.tolist() == [len(long), -1]
    assert not known


def test_of_texts_full_memory_is_emptied_and_answers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "CAPACITY", 3)
    known = Remembered(size)
    chunks = ["x" * number for number in range(1, 9)]
    assert known.of_texts([chunks])[0].numbers.tolist()[::2] == list(range(1, 9))
    assert len(known) <= 3
