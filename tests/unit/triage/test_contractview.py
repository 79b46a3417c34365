from __future__ import annotations

import numpy as np
from contract_samples import sample_of

from models.selective import NO_SAMPLE, conclude
from triage.contractview import TARGETS, coverage_curve

PROBABILITY = np.linspace(0, 1, 3000)
SAMPLE = sample_of(PROBABILITY, np.random.default_rng(1).random(3000) < PROBABILITY)


def test_coverage_curve_falls_as_the_target_rises():
    curve = coverage_curve(SAMPLE, confidence=0.9)
    assert [point.target for point in curve] == list(TARGETS)
    coverage = [point.coverage for point in curve]
    assert coverage == sorted(coverage, reverse=True)
    assert coverage[0] > 0.3


def test_coverage_curve_point_is_the_contract_at_that_target():
    (point,) = coverage_curve(SAMPLE, confidence=0.9, targets=[0.9])
    assert point.coverage == conclude(SAMPLE, target=0.9, confidence=0.9).coverage
    assert (point.parts, point.parts_without_threshold) == (1, 0)


def test_coverage_curve_of_no_sample_covers_nothing():
    assert {point.coverage for point in coverage_curve(NO_SAMPLE, confidence=0.9)} == {0}
