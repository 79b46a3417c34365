import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.bundle import BATCH, DENSE_WEIGHT, encode, top_candidates
from models.encoders import StaticEncoder
from models.heads import Heads
from models.hierarchy import Hierarchy
from models.prediction import CANDIDATES, LEVELS, Candidate
from models.sparse import SparseEncoder
from triage.config import STARTER_DATA

ODD_TEXTS = {
    "empty": "",
    "spaces": " \n\t ",
    "one word": "вода",
    "one letter": "я",
    "longest": "нет воды в доме 12 " * 1_052,
    "longest word": "ы" * 20_000,
    "html": "<div><p>Нет&nbsp;<b>воды</b></p><script>alert(1)</script></div>",
    "emoji": "🥶🔥💧 " * 10,
    "lone surrogates": "нет \ud83d воды \udc00",
    "nul": "нет\x00 воды",
    "numbers": "32 12/4 +7 701 000 00 00",
    "arabic": "لا يوجد ماء",
}


@pytest.fixture(scope="module")
def appeals():
    """Texts that the models were not fitted on."""
    lines = (STARTER_DATA / "appeals.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines[1_000 : 1_000 + BATCH + 40]]


@pytest.fixture(scope="module")
def parents(model):
    """Category of each topic: the part of its code before the dot."""
    return {topic: topic.partition(".")[0] for topic in model.heads["topic"].classes}


def check(prediction, model, parents):
    assert prediction.language in ("ru", "kk", "mixed", "other")
    assert 0 <= prediction.evidence <= 1
    assert 0 <= prediction.urgency <= 1
    assert set(prediction.levels) == set(LEVELS)
    for level, candidates in prediction.levels.items():
        probabilities = [candidate.probability for candidate in candidates]
        assert len(candidates) == min(CANDIDATES, len(model.heads[level].classes))
        assert len({candidate.code for candidate in candidates}) == len(candidates)
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < probabilities[0] <= 1
        assert sum(probabilities) <= 1 + 1e-9
    assert parents[prediction.top("topic").code] == prediction.top("category").code


def test_predict_no_texts_gives_no_predictions(model):
    assert model.predict([]) == []


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_predict_odd_text_gives_a_whole_prediction(text, model, parents):
    (prediction,) = model.predict([text])
    check(prediction, model, parents)


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_predict_odd_text_with_a_dense_encoder_gives_a_whole_prediction(
    text, fitted_model, parents
):
    (prediction,) = fitted_model.predict([text])
    check(prediction, fitted_model, parents)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec=None), max_size=80))
def test_predict_any_text_gives_a_whole_prediction(text, model, parents):
    (prediction,) = model.predict([text])
    check(prediction, model, parents)


@pytest.mark.parametrize("name", ["model", "fitted_model"])
def test_predict_many_texts_equals_one_by_one_to_the_last_bit(name, appeals, request):
    model = request.getfixturevalue(name)
    texts = [*appeals, "", *ODD_TEXTS.values()]
    assert len(texts) > BATCH
    assert model.predict(texts) == [model.predict([text])[0] for text in texts]


def test_predict_twice_gives_the_same(model, appeals):
    assert model.predict(appeals[:20]) == model.predict(appeals[:20])


def test_predict_real_appeals_give_whole_predictions(model, appeals, parents):
    for prediction in model.predict(appeals):
        check(prediction, model, parents)


def test_predict_language_hint_is_taken_where_it_is_given(model):
    texts = ["нет воды в доме"] * 3
    languages = [one.language for one in model.predict(texts, ["kk", None, ""])]
    assert languages == ["kk", "ru", "ru"]


def test_predict_language_hints_stay_beside_their_texts_over_batches(model):
    texts = ["вода"] * (BATCH + 2)
    hints = [f"hint-{number}" for number in range(BATCH + 2)]
    assert [one.language for one in model.predict(texts, hints)] == hints


def test_predict_language_hint_changes_no_probability(model):
    with_hint, without = model.predict(["су жоқ"] * 2, ["mixed", None])
    assert with_hint.levels == without.levels


def test_predict_unknown_words_have_no_evidence(model):
    unknown, empty, known = model.predict(["шщшщшщ 987654", "", "вода"])
    assert unknown.evidence == empty.evidence == 0.0
    assert known.evidence == 1.0
    assert unknown.levels == empty.levels


def test_predict_markup_changes_nothing(model):
    plain, marked_up = model.predict(["нет воды", "<p>нет&nbsp;<b>воды</b></p>"])
    assert plain == marked_up


def test_predict_known_appeal_is_recognised(model):
    water, snow = model.predict(
        ["Нет холодной воды, кран сухой", "Снег не чистят во дворе, дорога не убрана от снега"]
    )
    assert water.top("topic").code.startswith("water")
    assert snow.top("category").code != water.top("category").code


def test_predict_model_of_one_level_answers_that_level_alone(model):
    alone = replace(
        model,
        heads=Heads({"enterprise": model.heads["enterprise"]}),
        hierarchy=Hierarchy(weights={"enterprise": 3.0}),
        urgency=None,
    )
    (prediction,) = alone.predict(["нет воды"])
    assert list(prediction.levels) == ["enterprise"]
    assert prediction.urgency is None
    assert prediction.top("topic") is None


def test_predict_urgent_words_raise_urgency(model):
    urgent, calm = model.predict(
        ["Срочно! Прорвало трубу, затопило подвал, вода хлещет", "Когда обрежут деревья?"]
    )
    assert urgent.urgency > calm.urgency


def test_probabilities_categories_are_sums_of_their_topics(model, appeals, parents):
    matrix, _ = model.encode(appeals)
    levels = model.probabilities(matrix, appeals)
    categories, topics = model.heads["category"].classes, model.heads["topic"].classes
    for column, category in enumerate(categories):
        of_category = [place for place, topic in enumerate(topics) if parents[topic] == category]
        sums = levels["topic"][:, of_category].sum(axis=1)
        assert levels["category"][:, column] == pytest.approx(sums, abs=1e-9)
    assert all(found.sum(axis=1) == pytest.approx(1) for found in levels.values())


def test_encode_dense_vectors_stand_beside_the_sparse_ones(tokenizer, table):
    sparse_encoder = SparseEncoder.fit(["нет воды"])
    dense_encoder = StaticEncoder(tokenizer, table)
    matrix, evidence = encode(
        sparse_encoder, dense_encoder, ["нет воды", ""], dense_weight=DENSE_WEIGHT
    )
    assert matrix.shape == (2, 5 + table.shape[1])
    assert np.linalg.norm(matrix[[0], 5:].toarray()) == pytest.approx(DENSE_WEIGHT)
    assert not matrix[[1]].toarray().any()
    assert evidence.tolist() == [1.0, 0.0]
    assert matrix.dtype == np.float32


def test_top_candidates_ties_stand_in_the_order_of_the_classes():
    probabilities = np.array([0.1, 0.2, 0.1, 0.3, 0.1, 0.1, 0.1])
    (row,) = top_candidates("abcdefg", probabilities[None])
    assert [candidate.code for candidate in row] == ["d", "b", "a", "c", "e"]


def test_top_candidates_fewer_classes_than_asked_for_gives_all():
    assert top_candidates(["a", "b"], np.array([[0.4, 0.6], [1.0, 0.0]])) == [
        (Candidate("b", 0.6), Candidate("a", 0.4)),
        (Candidate("a", 1.0), Candidate("b", 0.0)),
    ]
