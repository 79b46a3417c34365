"""The precision contract: above which probability is a choice right often enough to go unseen.

Each threshold is found by fixed-sequence testing, the simplest procedure of Angelopoulos, Bates,
Candès, Jordan and Lei, "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk
Control", 2021 (arXiv:2110.01052): thresholds are tried from the strictest down, each with an
exact binomial test (Clopper and Pearson, 1934), and the first that fails ends the search. The
chance that the threshold returned breaks its promise is at most one minus the confidence,
whatever the model.

The promise is made apart for languages and destination groups: what is hard must not hide behind
what is easy. One minus the confidence is shared out equally among these parts (Bonferroni), so
the confidence is that of all promises together, and of any mixture of the parts as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, expit

from models.prediction import Level, Prediction

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]
Mask = npt.NDArray[np.bool_]
Key = tuple[str | None, str | None]
"""Language and group of a part; None stands for all that have no part of their own."""

GRID = np.append(np.round(expit(np.arange(9.2, -7.0, -0.1)), 6), 0.0)
"""Thresholds tried, strictest first; fixed beforehand, so that the guarantee holds. Even steps of
log-odds, because a third of real choices lie above 0.99."""

TOLERATED = 6
MIN_COVERAGE = 0.1
"""The strictest threshold tested covers this share and can bear this many wrong choices: with
fewer examples above it, a few odd labels among the surest would end the search before it began.
(0, 2, 4, 6, 8) and (0.05, 0.1, 0.15, 0.2, 0.25) were tried on real and synthetic appeals. Several
starts that share the risk (of the same authors) covered as much or less on all of them."""

MIN_PART = 1000
"""Examples from which on a language or a group has a promise of its own. A small part can prove
little: with 300, coverage by category fell from 0.39 to 0.13 on Kursk and from 0.63 to 0.42 on
the starter corpus."""


@dataclass(frozen=True)
class ContractSample:
    """Choices on texts that were neither fitted nor calibrated on.

    Attributes
    ----------
    probability
        Shape (n,), of the chosen label, as of `contract_probability`.
    correct
        Shape (n,), whether it was right.
    language
        Shape (n,), ``ru``, ``kk``, ``mixed`` or ``other``.
    group
        Shape (n,), destination group of the chosen label.
    label
        Shape (n,), the true label.
    label_probability
        Shape (n,), the probability that it was given; 0 for a label that the model lacks.
    """

    probability: Floats
    correct: Mask
    language: Strings
    group: Strings
    label: Strings
    label_probability: Floats

    def at(self, rows: Mask | npt.NDArray[np.int64]) -> ContractSample:
        """Return some of the examples."""
        return ContractSample(**{name: values[rows] for name, values in vars(self).items()})

    @classmethod
    def joined(cls, samples: Iterable[ContractSample]) -> ContractSample:
        """Put samples together."""
        columns = zip(*(vars(sample).values() for sample in samples), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


_NO_STRINGS: Strings = np.zeros(0, dtype=np.str_)
NO_SAMPLE = ContractSample(
    np.zeros(0), np.zeros(0, dtype=bool), _NO_STRINGS, _NO_STRINGS, _NO_STRINGS, np.zeros(0)
)
"""The sample of a level that a model does not have: no threshold keeps a promise on it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A threshold that keeps the precision in one part of the appeals, and what it rests on.

    Attributes
    ----------
    language, group
        What the part holds; None for all languages or groups without a part of their own.
    threshold
        The least probability that goes unseen; None where no threshold keeps the promise.
    coverage
        Share of the part's examples at or above the threshold.
    n_examples
        How many examples the part has.
    """

    language: str | None
    group: str | None
    threshold: float | None
    coverage: float
    n_examples: int

    def covers(self, probability: float) -> bool:
        """Tell whether a choice with this probability may go unseen."""
        return self.threshold is not None and probability >= self.threshold


NO_PART = Part(None, None, None, 0.0, 0)
"""The part of a choice of which there was no example."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What is promised, and the thresholds that keep it.

    Attributes
    ----------
    target, confidence
        Precision of at least `target` in every part, with this confidence for all together.
    languages
        Those that there were examples of; of others nothing is promised.
    """

    target: float
    confidence: float
    parts: tuple[Part, ...]
    languages: frozenset[str]

    @property
    def n_examples(self) -> int:
        """Size of the contract sample."""
        return sum(part.n_examples for part in self.parts)

    @property
    def coverage(self) -> float:
        """Share of the contract sample at or above the thresholds."""
        covered = sum(part.coverage * part.n_examples for part in self.parts)
        return covered / max(self.n_examples, 1)

    def part(self, language: str, group: str) -> Part:
        """Return the part that a choice belongs to."""
        if language not in self.languages:
            return NO_PART
        own = [part for part in self.parts if part.language == language]
        pooled = [part for part in self.parts if part.language is None]
        by_group = {part.group: part for part in own or pooled}
        return by_group.get(group, by_group.get(None, NO_PART))

    def covers(self, probability: float, language: str, group: str) -> bool:
        """Tell whether a choice may go unseen."""
        return self.part(language, group).covers(probability)


def conclude(sample: ContractSample, *, target: float, confidence: float) -> Contract:
    """Find each part's lowest threshold whose precision is at least `target`.

    Parameters
    ----------
    target
        Wanted precision, between 0 and 1.
    confidence
        Wanted probability, over contract samples, that the precision holds in every part.
    """
    parts = partition(sample)
    risk = (1 - confidence) / max(len(parts), 1)
    concluded = [_conclude(key, sample.at(rows), target, risk) for key, rows in parts.items()]
    return Contract(target, confidence, tuple(concluded), frozenset(sample.language.tolist()))


def partition(sample: ContractSample) -> dict[Key, Mask]:
    """Return the parts that a sample is large enough for, with their examples.

    A language with `MIN_PART` examples stands on its own, and so does a group within it; what is
    left over pools, and if that is too little, the smallest part beside it joins. Only chosen
    labels, languages and counts decide, never what was right: the guarantee depends on it.
    """
    parts: dict[Key, Mask] = {}
    languages = _standing(sample.language)
    for language in (*languages, None):
        in_scope = _is(sample.language, language, languages)
        groups = _standing(sample.group[in_scope])
        for group in (*groups, None):
            rows = in_scope & _is(sample.group, group, groups)
            if rows.any():
                parts[language, group] = rows
    return parts


def certainty(probabilities: Floats) -> Floats:
    """Return the probability of each chosen label against the runner-up alone.

    It orders choices better than the plain probability: among the surest that differs only by
    the mass of classes that nobody would choose. On Kursk's categories the threshold that is
    best in hindsight covers 0.39 of the appeals by the plain probability, 0.51 by this one.

    Parameters
    ----------
    probabilities
        Shape (n, n_classes), rows sum to one.

    Returns
    -------
    certainty
        Shape (n,), 0.5 to 1.

    Examples
    --------
    >>> certainty(np.array([[0.6, 0.2, 0.2], [0.0, 1.0, 0.0]]))
    array([0.75, 1.  ])
    """
    if probabilities.shape[1] == 1:
        return np.ones(len(probabilities))
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    found: Floats = two[:, 1] / two.sum(axis=1)
    return found


def contract_probability(level: Level, probabilities: Floats) -> Floats:
    """Return what the contract of a level goes by, shape (n,).

    That is `certainty`, but of enterprises the plain probability: routing leaves out those that
    may not be chosen, and a runner-up that was left out must not make the next one sure.
    """
    best: Floats = probabilities.max(axis=1)
    return best if level == "enterprise" else certainty(probabilities)


def goes_unseen(contract: Contract, level: Level, prediction: Prediction) -> bool:
    """Tell whether the model's own choice at a level may go unseen."""
    choice = prediction.top(level)
    if choice is None:
        return False
    probabilities = prediction.distributions[level].probabilities
    group = choice if level == "enterprise" else prediction.top("category") or choice
    probability = float(contract_probability(level, probabilities[None])[0])
    return contract.covers(probability, prediction.language, group.code)


def _is(values: Strings, name: str | None, standing: list[str]) -> Mask:
    """Tell which values are this one or, for None, none of those that stand on their own."""
    if name is not None:
        return np.asarray(values == name)
    return np.isin(values, standing, invert=True)


def _standing(values: Strings) -> list[str]:
    """Return the values that have enough examples, as long as the others have so too or none."""
    counts = Counter(values.tolist())
    standing = [value for value, count in counts.most_common() if count >= MIN_PART]
    while standing and 0 < len(values) - sum(counts[value] for value in standing) < MIN_PART:
        standing.pop()
    return sorted(standing)


def _conclude(key: Key, sample: ContractSample, target: float, risk: float) -> Part:
    n_examples = len(sample.probability)
    order = np.argsort(sample.probability)
    below = np.searchsorted(sample.probability[order], GRID, side="left")
    n_chosen = n_examples - below
    n_correct = np.append(np.cumsum(sample.correct[order][::-1])[::-1], 0)[below]
    threshold, coverage = None, 0.0
    # Which thresholds are tested depends on the probabilities alone, never on what was right.
    # `bdtrc` is `scipy.stats.binom.sf`, whose module takes half a second to import.
    is_tested = bdtrc(n_chosen - TOLERATED - 1, n_chosen, target) <= risk
    is_tested &= n_chosen >= MIN_COVERAGE * n_examples
    keeps = bdtrc(n_correct - 1, n_chosen, target) <= risk
    for step in np.flatnonzero(is_tested):
        if not keeps[step]:
            break
        threshold, coverage = float(GRID[step]), float(n_chosen[step] / n_examples)
    return Part(*key, threshold, coverage, n_examples)
