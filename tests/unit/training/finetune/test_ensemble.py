from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from models.bundle import DENSE_WEIGHT
from models.classifier import LinearHead
from models.encoders import DenseEncoder
from training.finetune.ensemble import NETWORK_WEIGHT, Networks, Tuned
from training.heads import OutOfFold

N_TEXTS, N_WORDS, N_DIMENSIONS = 6, 5, 3
CLASSES = ("а", "б")


def head(n_features: int, seed: int) -> LinearHead:
    rng = np.random.default_rng(seed)
    coef = rng.normal(size=(n_features, len(CLASSES))).astype(np.float32)
    return LinearHead(CLASSES, coef, rng.normal(size=len(CLASSES)).astype(np.float32))


@pytest.fixture
def words() -> sparse.csr_matrix:
    return sparse.random_array((N_TEXTS, N_WORDS), density=0.5, rng=1, format="csr")


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(N_TEXTS, N_DIMENSIONS)).astype(np.float32)


@pytest.fixture
def tuned(static_encoder: DenseEncoder) -> Tuned:
    return Tuned(static_encoder, {"topic": head(N_DIMENSIONS, 3)})


@pytest.fixture
def matrix(words: sparse.csr_matrix, vectors: np.ndarray) -> sparse.csr_matrix:
    """Rows as `models.bundle.encode` makes them."""
    return sparse.hstack([words, DENSE_WEIGHT * sparse.csr_matrix(vectors)], format="csr")


def test_pool_heads_margins_are_those_of_words_and_of_the_network_together(
    words: sparse.csr_matrix, vectors: np.ndarray, matrix: sparse.csr_matrix, tuned: Tuned
) -> None:
    of_words = head(N_WORDS, 4)
    pooled = Networks(tuned, []).pool_heads({"topic": of_words}, DENSE_WEIGHT)["topic"]
    logits = vectors @ tuned.heads["topic"].coef + tuned.heads["topic"].intercept
    expected = of_words.margins(words) + NETWORK_WEIGHT * logits
    assert pooled.margins(matrix) == pytest.approx(expected, abs=1e-5)
    assert tuned.margins(vectors)["topic"] == pytest.approx(NETWORK_WEIGHT * logits)


def test_pool_heads_head_that_the_network_lacks_sees_words_alone(
    words: sparse.csr_matrix, matrix: sparse.csr_matrix, tuned: Tuned
) -> None:
    urgency = head(N_WORDS, 5)
    pooled = Networks(tuned, []).pool_heads({"urgency": urgency}, DENSE_WEIGHT)["urgency"]
    assert pooled.margins(matrix) == pytest.approx(urgency.margins(words), abs=1e-6)


def test_words_are_the_columns_before_the_vectors(
    words: sparse.csr_matrix, matrix: sparse.csr_matrix, tuned: Tuned
) -> None:
    seen = Networks(tuned, []).words(matrix)
    assert (seen.toarray() == words.toarray()).all()


def test_pool_margins_each_fold_gets_its_own_network(tuned: Tuned) -> None:
    splits = [(np.array([2, 3]), np.array([0, 1])), (np.array([0, 1]), np.array([2, 3]))]
    ones = np.ones((2, len(CLASSES)))
    out_of_fold = OutOfFold(splits, {"topic": [ones, 2 * ones], "urgency": [3 * ones, 4 * ones]})
    networks = Networks(tuned, [{"topic": 10 * ones}, {"topic": 20 * ones}])
    pooled = networks.pool_margins(out_of_fold)
    assert pooled.stacked("topic").mean(axis=1).tolist() == [11, 11, 22, 22]
    assert pooled.stacked("urgency").mean(axis=1).tolist() == [3, 3, 4, 4]


def test_pool_margins_one_judged_fold_of_many_takes_the_first_network(tuned: Tuned) -> None:
    splits = [(np.array([1]), np.array([0]))]
    out_of_fold = OutOfFold(splits, {"topic": [np.zeros((1, 2))]})
    networks = Networks(tuned, [{"topic": np.ones((1, 2))}, {"topic": np.full((1, 2), 9.0)}])
    assert networks.pool_margins(out_of_fold).stacked("topic").tolist() == [[1, 1]]
