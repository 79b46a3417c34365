from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_transformer import make_transformer

from models.bundle import TriageModel
from models.encoders import SentenceTransformerEncoder, StaticEncoder
from models.explain import Explanation, explain, located_features, split_text
from models.sparse import features
from models.text import normalise, words

WORDS = ["снег", "Снега", "суды", "жоқ", "воды", "нет", "үйде", "қоқыс", "qoqys", "лифт", "ёлка"]
SIGNS = ["и\u0306од", "за\u0301мок", "водо\u00adпровод", "🥶", "👨‍👩‍👧", "!", "№5", "кiм", "\u200b"]
TAGS = ["<b>", "</b>", "<p title='x>y'>", "<script>", "&nbsp;", "&lt;b&gt;", "&#1074;", "<", "&"]
TEXTS = st.lists(st.sampled_from(WORDS + SIGNS + TAGS), max_size=25).flatmap(
    lambda pieces: st.sampled_from([" ", "", "\n "]).map(lambda gap: gap.join(pieces))
)
SNOW = "Во дворе третий день не убирают <b>снег</b>, снег коляску не пропускает"


def all_labels(model: TriageModel) -> dict:
    return {level: head.classes[:3] for level, head in model.heads.items()}


def sums(explanation: Explanation) -> float:
    return sum((explanation.base, explanation.rest, *(one.weight for one in explanation.spans)))


def check(model: TriageModel, text: str) -> list[Explanation]:
    """Check what every explanation must keep, and return all of them."""
    matrix, _ = model.encode([normalise(text)])
    found = explain(model, text, all_labels(model))
    for level, explanations in found.items():
        margins = model.heads[level].margins(matrix)[0]
        for column, explanation in enumerate(explanations):
            assert explanation.margin == margins[column]
            assert sums(explanation) == pytest.approx(explanation.margin, rel=1e-9, abs=1e-12)
            places = [(span.start, span.end) for span in explanation.spans]
            assert places == sorted(set(places))
            assert all(0 <= start < end <= len(text) for start, end in places)
    return [explanation for explanations in found.values() for explanation in explanations]


@given(TEXTS | st.text(max_size=50))
def test_explain_any_text_adds_up_to_the_margin(model: TriageModel, text: str) -> None:
    check(model, text)


@given(TEXTS | st.text(max_size=50))
def test_explain_static_encoder_adds_up_to_the_margin(fitted_model: TriageModel, text: str) -> None:
    check(fitted_model, text)


@pytest.mark.parametrize("name", ["model", "fitted_model"])
@pytest.mark.parametrize("text", [SNOW, "үйде су жоқ, нет воды 🥶 нет воды", "<i>жоқ</i> вода"])
def test_explain_words_alone_make_the_margin(
    name: str, text: str, request: pytest.FixtureRequest
) -> None:
    explanations = check(request.getfixturevalue(name), text)

    assert any(explanation.spans for explanation in explanations)
    assert all(explanation.rest == pytest.approx(0, abs=1e-6) for explanation in explanations)


def test_explain_several_words_the_weight_stands_on_the_one_it_is_due_to(
    model: TriageModel,
) -> None:
    found = explain(model, SNOW, {"category": ("snow",)})["category"][0]

    strongest = max(found.spans, key=lambda span: span.weight)
    assert SNOW[strongest.start : strongest.end] == "снег"
    assert strongest.weight > 0


def test_explain_word_twice_shares_its_own_features_alike(model: TriageModel) -> None:
    text = "снег, снег, снег"

    first, middle, last = explain(model, text, {"category": ("snow",)})["category"][0].spans

    assert first.weight == pytest.approx(last.weight)
    assert [one.start for one in (first, middle, last)] == [0, 6, 12]


def test_explain_text_without_known_words_has_its_base_alone(model: TriageModel) -> None:
    found = explain(model, "🥶 zzzz", {"topic": ("snow.yards",)})["topic"][0]

    assert (found.spans, found.rest) == ((), 0)
    assert found.margin == found.base


def test_explain_labels_that_the_model_does_not_know_are_left_out(model: TriageModel) -> None:
    found = explain(model, SNOW, {"category": ("snow", "no-such"), "enterprise": ("no-such",)})

    assert [explanation.label for explanation in found["category"]] == ["snow"]
    assert found["enterprise"] == ()


def test_explain_another_encoder_is_the_rest(
    fitted_model: TriageModel, tokenizer, tmp_path
) -> None:
    pytest.importorskip("sentence_transformers")
    folder = make_transformer(tokenizer, tmp_path / "bert", n_dimensions=6, n_layers=1)
    encoder = SentenceTransformerEncoder.load(str(folder))
    model = replace(fitted_model, dense_encoder=encoder)

    found = explain(model, "нет воды", {"category": model.heads["category"].classes[:1]})

    vector = encoder.encode(["нет воды"])[0]
    coef = model.heads["category"].coef[-6:, 0]
    assert found["category"][0].rest == pytest.approx(0.5 * float(vector @ coef), abs=1e-6)
    assert found["category"][0].rest != 0


@pytest.mark.parametrize("dense_weight", [0.5, 1.25])
def test_split_text_parts_add_up_to_the_row(fitted_model: TriageModel, dense_weight: float) -> None:
    split = split_text(replace(fitted_model, dense_weight=dense_weight), "нет воды, су жоқ 🥶")

    parts, row = np.asarray(split.parts.sum(axis=0))[0], split.row.toarray()[0]
    assert parts == pytest.approx(row, abs=1e-6)
    assert split.spans[0] == (0, 3)


@given(TEXTS)
def test_located_features_are_the_features_and_their_words(text: str) -> None:
    located = list(located_features(text))

    assert [feature for feature, _ in located] == list(features(text))
    for feature, places in located:
        # A pair's words are told apart by nothing but their place.
        own = [one for at in places for one in features(words(text)[at])]
        assert feature[0] == "b" or feature in own


def test_located_features_of_pairs_name_both_words() -> None:
    located = located_features("нет горячей воды")

    assert [places for feature, places in located if feature[0] == "b"] == [(0, 1), (1, 2)]


def test_static_parts_add_up_to_the_vector(tokenizer, table) -> None:
    encoder = StaticEncoder(tokenizer, table).quantised()

    spans, parts = encoder.parts("нет воды")

    assert spans == [(0, 3), (4, 7), (7, 8)]
    assert parts.sum(axis=0) == pytest.approx(encoder.encode(["нет воды"])[0], abs=1e-6)
    assert encoder.parts("")[0] == []
