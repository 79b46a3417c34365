"""Without drift figures stay within their thresholds; drift that matters is found."""

import numpy as np
import pytest
from scipy import sparse

from triage.health import Mix, State, by_decile, judge_embeddings, judge_mix, judge_unknown_words

pytestmark = pytest.mark.statistical

N_DRAWS = 40
LEAST = 0.95
FEW, MANY = 150, 1_000
TOPICS = np.random.default_rng(0).dirichlet(np.full(60, 0.5))


def mix(before, now, rng):
    """Draw both windows' labels from their shares."""
    counts = (rng.multinomial(n, shares) for n, shares in ((MANY, before), (FEW, now)))
    return Mix(
        *(dict(zip(map(str, range(len(before))), one.tolist(), strict=True)) for one in counts)
    )


def topics(rng, *, drift):
    moved = TOPICS[::-1] if drift else TOPICS
    return judge_mix("topics", mix(TOPICS, 0.5 * TOPICS + 0.5 * moved, rng))


def confidence(rng, *, drift):
    def steps(n, shape):
        values, counts = np.unique((rng.beta(shape, 1, n) * 10_000).astype(int), return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    return judge_mix("confidence", by_decile(steps(MANY, 6), steps(FEW, 3 if drift else 6)))


def unknown_words(rng, *, drift):
    return judge_unknown_words(
        rng.beta(8, 2, FEW), rng.beta(6 if drift else 8, 4 if drift else 2, FEW)
    )


def embeddings(rng, *, drift):
    def rows(share):
        means = np.eye(32)[np.where(rng.random(FEW) < share, 0, 1)]
        found = means + rng.normal(scale=0.3, size=(FEW, 32))
        return sparse.csr_matrix(found / np.linalg.norm(found, axis=1, keepdims=True))

    return judge_embeddings(rows(0.5), rows(0.8 if drift else 0.5))


FIGURES = {one.__name__: one for one in (topics, confidence, unknown_words, embeddings)}


def share_warned(figure, *, drift):
    rng = np.random.default_rng(1)
    found = [figure(rng, drift=drift).state for _ in range(N_DRAWS)]
    return sum(state is State.WARN for state in found) / N_DRAWS


@pytest.mark.parametrize("name", FIGURES)
def test_figure_without_drift_is_within_its_threshold(name):
    assert share_warned(FIGURES[name], drift=False) <= 1 - LEAST


@pytest.mark.parametrize("name", FIGURES)
def test_figure_with_planted_drift_warns(name):
    assert share_warned(FIGURES[name], drift=True) >= LEAST
