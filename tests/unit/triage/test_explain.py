from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.prediction import Candidate
from triage.appeal import Decision
from triage.explain import DecisionExplanation, find_in_order, labels_of


@pytest.mark.parametrize(
    ("text", "stretches", "found"),
    [
        ("Пахнет газом, запах газа", ("запах газа",), [(14, 24)]),
        ("магазин, газ и газ", ("газ", "газ"), [(9, 12), (15, 18)]),
        ("су жоқ, жылу жоқ", ("жылу жоқ",), [(8, 16)]),
        ("дым идёт, огонь", ("дым идёт, огонь", "огонь"), [(0, 15), (10, 15)]),
        ("дым из подвала огонь", ("дым из подвала", "подвала огонь"), [(0, 14), (7, 20)]),
        ("текст изменён", ("газ",), []),
        ("", (), []),
    ],
)
def test_find_in_order_stretches_stand_as_whole_words(
    text: str, stretches: tuple[str, ...], found: list[tuple[int, int]]
) -> None:
    assert list(find_in_order(text, stretches)) == found


def test_labels_of_a_decision_are_the_chosen_ones_and_the_runners_up(
    make_decision: Callable[..., Decision],
) -> None:
    levels = {
        "category": (Candidate("housing", 0.9),),
        "topic": (Candidate("heating", 0.8), Candidate("leak", 0.1), Candidate("lift", 0.05)),
    }

    assert labels_of(make_decision(levels=levels)) == {
        "category": ["housing"],
        "topic": ["heating", "leak"],
    }


@pytest.mark.parametrize(("model_hash", "is_other"), [("ab" * 32, False), ("cd" * 32, True)])
def test_explanation_by_a_model_of_another_fingerprint_says_so(
    make_decision: Callable[..., Decision], model_hash: str, is_other: bool
) -> None:
    decided_by = make_decision().versions
    explained_by = replace(decided_by, model_hash=model_hash, policy="another policy is no model")

    explanation = DecisionExplanation({}, (), (), decided_by, explained_by)

    assert explanation.explained_by_another_model is is_other
