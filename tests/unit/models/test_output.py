import json

from models.output import as_json, level_as_json
from models.prediction import LEVELS, Candidate, Prediction


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
