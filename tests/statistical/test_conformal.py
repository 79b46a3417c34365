"""Prediction sets hold the right label as often as stated, in every class that has examples."""

from dataclasses import replace

import numpy as np
import pytest
from contract_samples import sample_of
from scipy.special import softmax

from models.conformal import MIN_CLASS, conformalize

pytestmark = pytest.mark.statistical

N_DRAWS = 200
N_EXAMPLES, N_TESTED = 1_600, 400
CLASSES = ("frequent", "usual", "hard", "rare", "rarer", "rarest")
SHARES = np.array([0.5, 0.3, 0.146, 0.02, 0.018, 0.016])
OWN, POOLED = slice(0, 3), slice(3, 6)
SKILL = np.array([2.5, 2.0, 0.6, 1.0, 0.5, 1.5])
"""How far the margin of the right class lies above the others."""

SURE = 4.0
"""Standard errors that chance may take from a coverage."""


def draw(n, rng):
    """Probabilities of an overconfident model with a bias to frequent classes, and the truth."""
    labels = rng.choice(len(CLASSES), n, p=SHARES)
    margins = rng.normal(size=(n, len(CLASSES))) + np.log(SHARES) / 3
    margins[np.arange(n), labels] += SKILL[labels]
    return softmax(2 * margins, axis=1), labels


def sample(probabilities, labels):
    given = probabilities[np.arange(len(labels)), labels]
    return replace(sample_of(given, labels >= 0), label=np.array(CLASSES)[labels])


def cover(coverage, seed, change=lambda seen: seen):
    """Count over all draws how many texts of each class have it in their set, and how many are."""
    rng = np.random.default_rng(seed)
    hits, counts = np.zeros(len(CLASSES)), np.zeros(len(CLASSES))
    for _ in range(N_DRAWS):
        sets = conformalize(change(sample(*draw(N_EXAMPLES, rng))), CLASSES, coverage=coverage)
        probabilities, labels = draw(N_TESTED, rng)
        is_in = [CLASSES[y] in sets.of(p) for p, y in zip(probabilities, labels, strict=True)]
        np.add.at(hits, labels, is_in)
        np.add.at(counts, labels, 1)
    return hits, counts


def least(coverage, n_tested):
    """The coverage that chance may leave: of the texts tested, and of those conformalized on."""
    n_seen = n_tested * N_EXAMPLES / N_TESTED
    return coverage - SURE * np.sqrt(coverage * (1 - coverage) * (1 / n_tested + 1 / n_seen))


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_cover_every_class_as_stated_and_small_ones_together(coverage):
    assert (SHARES[OWN] * N_EXAMPLES > 3 * MIN_CLASS).all()
    assert (SHARES[POOLED] * N_EXAMPLES < MIN_CLASS).all()
    hits, counts = cover(coverage, seed=1)
    assert (hits[OWN] / counts[OWN] >= least(coverage, counts[OWN])).all()
    assert hits[POOLED].sum() / counts[POOLED].sum() >= least(coverage, counts[POOLED].sum())


def test_sets_are_no_larger_than_the_hard_class_needs():
    hits, counts = cover(0.9, seed=2)
    assert hits[2] / counts[2] == pytest.approx(0.9, abs=0.02)


def test_sets_by_one_cut_off_for_all_fail_the_hard_class():
    hits, counts = cover(
        0.9, seed=3, change=lambda seen: replace(seen, label=np.full_like(seen.label, CLASSES[0]))
    )
    assert hits.sum() / counts.sum() >= 0.89
    assert hits[2] / counts[2] < 0.8
