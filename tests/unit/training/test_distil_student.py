from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from training.distil import student
from training.distil.student import Bags, Lessons, first_table, fit_table
from training.distil.targets import fit_projection, unit
from training.distil.texts import Corpus, make_corpus
from triage.progress import Silent

WORDS = [f"слово{number}" for number in range(60)]


@pytest.fixture
def tokenizer() -> Tokenizer:
    numbers = {word: number for number, word in enumerate(["?", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


@pytest.fixture
def sentences() -> list[str]:
    rng = np.random.default_rng(3)
    return [" ".join(rng.choice(WORDS, size=rng.integers(1, 9))) for _ in range(400)]


def pairs_corpus(n_pairs: int) -> Corpus:
    return make_corpus([], [(f"қазақша {row}", f"по-русски {row}") for row in range(n_pairs)], [])


def test_bags_take_without_dropout_gives_the_pieces_of_the_rows(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(student, "TOKEN_DROPOUT", 0)
    bags = Bags.of(tokenizer, ["слово0 слово1", "", "слово2 чужое слово3"])
    pieces, starts = bags.take(np.array([2, 1, 0, 2]), np.random.default_rng(0))
    assert pieces.tolist() == [3, 0, 4, 0, 1, 2, 3, 0, 4]
    assert starts.tolist() == [0, 3, 4, 6]


def test_bags_take_drops_its_share_and_leaves_no_text_empty(
    tokenizer: Tokenizer, sentences: list[str]
) -> None:
    bags = Bags.of(tokenizer, sentences)
    rows = np.arange(len(sentences))
    pieces, starts = bags.take(rows, np.random.default_rng(0))
    ends = np.append(starts[1:], len(pieces))
    assert (ends > starts).all()
    assert 0.8 < len(pieces) / len(bags.pieces) < 0.92
    for row in rows:
        whole = bags.pieces[bags.starts[row] :][: bags.lengths[row]].tolist()
        assert set(pieces[starts[row] : ends[row]]) <= set(whole)


def test_first_table_by_hand_frequent_pieces_are_short(tokenizer: Tokenizer) -> None:
    bags = Bags.of(tokenizer, ["слово0 слово0 слово0 слово1"])
    words = np.ones((len(WORDS), 2), dtype=np.float32)
    table = first_table(tokenizer, words, bags)
    assert table.dtype == np.float32
    assert table[0].tolist() == [0, 0]
    assert table[1] == pytest.approx(0.001 / 0.751)
    assert table[2] == pytest.approx(0.001 / 0.251)
    assert table[3] == pytest.approx(1)


def test_fit_projection_pairs_that_differ_by_their_language_alone_meet() -> None:
    rng = np.random.default_rng(0)
    corpus = pairs_corpus(50)
    vectors = rng.normal(size=(len(corpus), 8)).astype(np.float32)
    kazakh = np.array([language == "kk" for language in corpus.languages])
    vectors[kazakh] = vectors[corpus.counterparts[kazakh]] + rng.normal(size=8)
    projected = fit_projection(vectors, corpus, 5).apply(vectors, corpus.languages)
    assert projected.shape == (100, 5)
    assert projected[kazakh] == pytest.approx(projected[corpus.counterparts[kazakh]], abs=1e-4)


def test_fit_projection_keeps_the_widest_axes_in_order() -> None:
    widths = np.array([1, 9, 3, 5], dtype=np.float32)
    corpus = pairs_corpus(2_000)
    vectors = np.random.default_rng(0).normal(size=(len(corpus), 4)).astype(np.float32) * widths
    axes = fit_projection(vectors, corpus, 3).axes
    assert np.abs(axes).argmax(axis=0).tolist() == [1, 3, 2]


def test_unit_zeros_stay() -> None:
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == pytest.approx(
        np.array([[0.6, 0.8], [0, 0]])
    )


@pytest.mark.skipif(find_spec("torch") is None, reason="the encoders' extra is not installed")
def test_fit_table_finds_a_table_that_gives_the_targets(
    tokenizer: Tokenizer, sentences: list[str]
) -> None:
    rng = np.random.default_rng(1)
    bags = Bags.of(tokenizer, sentences)
    hidden = rng.normal(size=(len(WORDS) + 1, 16))
    targets = unit(np.add.reduceat(hidden[bags.pieces], bags.starts))
    corpus = make_corpus(sentences, [], [])
    first = rng.normal(size=hidden.shape).astype(np.float32) / 10
    lessons = Lessons(corpus, targets, np.arange(300))
    found = [
        fit_table(first, lessons, [bags, bags], epochs=120, seed=seed, progress=Silent())
        for seed in (0, 0, 1)
    ]
    held = np.arange(300, 400)
    before, after, again, other = (
        (unit(np.add.reduceat(table[bags.pieces], bags.starts)) * targets)[held].sum(axis=1).mean()
        for table in (first, *found)
    )
    assert before < 0.2
    assert after > 0.9
    assert after == again != other
