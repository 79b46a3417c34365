from __future__ import annotations

import pytest

from api.web.marks import Mark, excerpt, segments, step

TEXT = "нет воды на Сыганак 10"


def test_segments_put_together_are_the_text() -> None:
    marks = [Mark(4, 8, "for-3"), Mark(6, 12, "place"), Mark(9, 900, "danger"), Mark(5, 5, "x")]

    found = segments(TEXT, marks)

    assert "".join(one.text for one in found) == TEXT
    assert [(one.text, one.names) for one in found][1:4] == [
        ("во", ("for-3",)),
        ("ды", ("for-3", "place")),
        (" ", ("place",)),
    ]


def test_segments_empty_text_has_none() -> None:
    assert segments("", [Mark(0, 3, "place")]) == []


@pytest.mark.parametrize(
    ("weight", "largest", "name"),
    [(0.09, 1, ""), (0.1, 1, "for-1"), (-0.5, 1, "against-2"), (-3, 3, "against-3"), (0, 0, "")],
)
def test_step_tells_how_much_a_word_says(weight: float, largest: float, name: str) -> None:
    assert step(weight, largest) == name


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("нет\n воды", 8, "нет воды"),
        ("нет воды совсем", 8, "нет воды…"),
        ("нетводысовсем", 5, "нетво…"),
    ],
)
def test_excerpt_is_cut_between_words(text: str, limit: int, expected: str) -> None:
    assert excerpt(text, limit) == expected
