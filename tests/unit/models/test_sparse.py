import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from models.sparse import SparseEncoder, features

CORPUS = [
    "нет горячей воды во всём доме",
    "горячей воды нет, вода еле тёплая, воды нет",
    "автобус 32 не приехал",
    "су жоқ, үйде үшінші күн су жоқ",
    "в доме нет света",
    "!!!",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Горячей воды нет",
            [
                *("p gori", "q goriac", "p vodi", "p net"),
                *("l goriachi", "l voda", "l net"),
                *("b goriachi voda", "b voda net"),
            ],
        ),
        (
            "Қоқыс төгілді",
            [
                *("p koki", "q kokis", "p togi", "q togild"),
                *("l kokis", "l togildi", "b kokis togildi"),
            ],
        ),
        ("су су", ["p su", "p su", "l su", "l su", "b su su"]),
        ("ещё", ["p eshe", "l eshe"]),
        ("автобус 32", ["p avto", "q avtobu", "p 32", "l avtobus", "l 32", "b avtobus 32"]),
        ("12345", ["p 1234", "q 12345", "l 12345"]),
        ("", []),
        ("!!! …", []),
    ],
)
def test_features_by_hand_are_prefixes_lemmas_and_pairs(text, expected):
    assert list(features(text)) == expected


def test_features_spellings_of_a_word_are_the_same():
    spellings = ("Қоқыс жоқ", "кокыс жок", "qoqys joq", "kokys zhok")
    first, *others = [list(features(text)) for text in spellings]
    assert all(other == first for other in others)


def test_encode_equals_scikit_learn():
    encoder = SparseEncoder.fit(CORPUS)
    reference = TfidfVectorizer(
        analyzer=lambda text: list(features(text)),
        vocabulary=encoder.vocabulary,
        sublinear_tf=False,
        norm="l2",
    )
    expected = reference.fit_transform(CORPUS).toarray()
    assert encoder.idf == pytest.approx(reference.idf_, rel=1e-6)
    assert encoder.encode(CORPUS)[0].toarray() == pytest.approx(expected, abs=1e-6)


def test_fit_vocabulary_is_every_feature_once():
    encoder = SparseEncoder.fit(CORPUS)
    assert encoder.vocabulary.keys() == {name for text in CORPUS for name in features(text)}
    assert sorted(encoder.vocabulary.values()) == list(range(len(encoder.idf)))


def test_fit_idf_by_hand_falls_with_the_number_of_texts():
    encoder = SparseEncoder.fit(["су жоқ", "су су", "жарық"])
    assert encoder.idf[encoder.vocabulary["p su"]] == pytest.approx(1 + math.log(4 / 3))
    assert encoder.idf[encoder.vocabulary["p jari"]] == pytest.approx(1 + math.log(4 / 2))


def test_fit_max_features_keeps_those_of_most_texts_ties_by_the_alphabet():
    # 'p b' and 'l b' are in two texts; all others in one, however often.
    texts = ["б", "б", "а а а", "в"]
    assert list(SparseEncoder.fit(texts, max_features=2).vocabulary) == ["l b", "p b"]
    assert list(SparseEncoder.fit(texts, max_features=5).vocabulary) == [
        *("l b", "p b"),
        *("b a a", "l a", "l v"),
    ]


def test_fit_order_of_texts_changes_nothing():
    forward, backward = SparseEncoder.fit(CORPUS), SparseEncoder.fit(CORPUS[::-1])
    assert forward.vocabulary == backward.vocabulary
    assert (forward.idf == backward.idf).all()


def test_encode_rows_are_as_long_as_the_root_of_their_evidence():
    matrix, evidence = SparseEncoder.fit(CORPUS[:3]).encode(CORPUS)
    lengths = np.linalg.norm(matrix.toarray(), axis=1)
    assert lengths == pytest.approx(np.sqrt(evidence), abs=1e-6)
    assert ((evidence > 0) & (evidence < 1)).any()
    assert matrix.dtype == np.float32


def test_encode_by_hand_weighs_counts_with_idf():
    encoder = SparseEncoder.fit(["су жоқ", "су", "жоқ"], max_features=4)
    row = encoder.encode(["су су жоқ"])[0].toarray()[0]
    # Features p/l of both words have one idf; counts are 2 for су and 1 for жоқ.
    expected = {"p su": 2, "l su": 2, "p jok": 1, "l jok": 1}
    length = math.sqrt(4 + 4 + 1 + 1)
    # Both pairs of words are unknown: six of eight features are known.
    for feature, count in expected.items():
        known = row[encoder.vocabulary[feature]]
        assert known == pytest.approx(math.sqrt(6 / 8) * count / length)


def test_encode_evidence_by_hand_is_the_share_of_known_features():
    encoder = SparseEncoder.fit(["воды"])
    _, evidence = encoder.encode(["воды", "воды жоқ", "жоқ", "", "воды воды"])
    # 'воды жоқ' has p and l of both words and a pair, of which two are known.
    assert evidence.tolist() == [1.0, 2 / 5, 0.0, 0.0, 4 / 5]


@pytest.mark.parametrize("text", ["", " ", "!!!", "🔥", "qwerty", "\ud800"])
def test_encode_nothing_known_gives_an_empty_row(text):
    matrix, evidence = SparseEncoder.fit(["нет воды"]).encode([text])
    assert matrix.shape == (1, 5)
    assert matrix.nnz == 0
    assert evidence.tolist() == [0.0]


def test_encode_no_texts_gives_no_rows():
    matrix, evidence = SparseEncoder.fit(["нет воды"]).encode([])
    assert matrix.shape == (0, 5)
    assert evidence.shape == (0,)


def test_encode_without_vocabulary_gives_empty_rows():
    encoder = SparseEncoder.fit(["!!!", "..."])
    matrix, evidence = encoder.encode(["нет воды", ""])
    assert matrix.shape == (2, 0)
    assert evidence.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "text",
    ["в" * 20_000, "нет воды " * 2_222, "а " * 10_000],
    ids=["one word", "sentences", "letters"],
)
def test_encode_longest_text_is_a_row_of_length_one(text):
    encoder = SparseEncoder.fit([text, "нет воды"])
    matrix, evidence = encoder.encode([text])
    assert matrix.multiply(matrix).sum() == pytest.approx(1, abs=1e-5)
    assert evidence.tolist() == [1.0]


@given(st.lists(st.text("аб вӘ1!", max_size=30), max_size=6))
def test_encode_any_texts_answer_one_by_one_as_together(texts):
    encoder = SparseEncoder.fit(["аб ва", "әб 1"])
    together, evidence = encoder.encode(texts)
    assert ((evidence >= 0) & (evidence <= 1)).all()
    for row, text in enumerate(texts):
        alone, share = encoder.encode([text])
        assert (alone.toarray()[0] == together[row].toarray()[0]).all()
        assert share[0] == evidence[row]
