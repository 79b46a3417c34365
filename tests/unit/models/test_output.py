import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.output import DIGITS, as_json, as_lines, level_as_json, rounded
from models.prediction import LEVELS, Candidate, Prediction

TEXTS = ["нет воды", "су жоқ, қар", "Zh 12"]
IDS = [7, 'a "b" ё\n', date(2026, 5, 1)]


def test_level_as_json_candidates_repeat_the_first_one_on_top():
    assert level_as_json([Candidate("heating", 0.7), Candidate("water", 0.2)]) == {
        "code": "heating",
        "probability": 0.7,
        "candidates": [
            {"code": "heating", "probability": 0.7},
            {"code": "water", "probability": 0.2},
        ],
    }


def test_level_as_json_probabilities_are_rounded_to_six_digits():
    answer = level_as_json([Candidate("heating", 1 / 3), Candidate("water", 1e-9)])
    assert answer["probability"] == 0.333333
    assert answer["candidates"][1]["probability"] == 0.0


def test_level_as_json_no_candidates_is_null():
    assert level_as_json([]) is None


def test_as_json_level_that_the_model_lacks_is_null():
    prediction = Prediction("kk", {"topic": (Candidate("су", 1.0),)}, urgency=0.5, evidence=1.0)
    answer = as_json(prediction)
    assert list(answer) == ["language", *LEVELS]
    assert answer["language"] == "kk"
    assert answer["category"] is None
    assert answer["enterprise"] is None
    assert answer["topic"]["code"] == "су"


def test_as_json_real_prediction_is_json_that_reads_back(model):
    answers = [as_json(answer) for answer in model.predict(["нет воды", ""])]
    assert json.loads(json.dumps(answers)) == answers
    assert all(len(answer[level]["candidates"]) == 5 for answer in answers for level in LEVELS)


@pytest.mark.parametrize("missing", [(), ("topic",), LEVELS[1:]])
def test_as_lines_are_the_json_of_the_predictions_and_their_ids(model, missing):
    scores = model.score(TEXTS, ["kk", None, None])
    levels = {level: found for level, found in scores.levels.items() if level not in missing}
    expected = [
        {"id": one, **as_json(prediction)} | dict.fromkeys(missing)
        for one, prediction in zip(IDS, model.predict(TEXTS, ["kk", None, None]), strict=True)
    ]
    assert list(as_lines(model, replace(scores, levels=levels), IDS)) == [
        json.dumps(answer, ensure_ascii=False, default=str) for answer in expected
    ]


def test_as_lines_no_texts_are_no_lines(model):
    assert list(as_lines(model, model.score([], []), [])) == []


@given(st.lists(st.floats(0, 1), min_size=1))
@example([0.1234565, 0.1234575, 0.0000005, 0.0000015, 0.9999995, 1e-9, 0.0, 1.0])
def test_rounded_is_what_python_rounds_to_the_last_bit(values):
    assert rounded(np.array(values)).tolist() == [round(value, DIGITS) for value in values]


@given(st.integers(0, 10**DIGITS - 1))
def test_rounded_beside_a_half_is_what_python_rounds(whole):
    half = (whole + 0.5) / 10**DIGITS
    values = [half, np.nextafter(half, 0), np.nextafter(half, 1)]
    assert rounded(np.array(values)).tolist() == [round(float(one), DIGITS) for one in values]
