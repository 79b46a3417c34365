"""Prediction sets for the reviewer's shortlist: the right label is in them as often as stated.

Split conformal prediction (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World",
2005) with the score of Sadinle, Lei and Wasserman, "Least Ambiguous Set-Valued Classifiers with
Bounded Error Levels", JASA 2019 (LAC): a label is in the set if its probability is high enough.
What is enough is found for each class by itself (Mondrian, class-conditional), so that rare
classes are covered as often as frequent ones; classes of too few examples share one cut-off.

Against APS (Romano, Sesia and Candès, 2020) and RAPS (Angelopoulos, Bates, Malik and Jordan, 2021)
LAC made the smallest sets at a coverage of 0.90, in labels a set (Kursk category and enterprise,
starter category and topic): LAC 3.8, 14.8, 1.4, 1.8; APS 4.6, 18.5, 2.2, 4.3; RAPS 3.5, 19.9, 1.9,
2.9, which covered 0.95 of the categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from models.selective import ContractSample, Floats

MIN_CLASS = 50
"""Examples from which on a class has a cut-off of its own. At 20 the sets of topics grew by a
quarter (Kursk) or doubled (starter corpus); at 100 rare categories of Kursk were in half of the
sets that should have had them."""


@dataclass(frozen=True)
class PredictionSets:
    """How probable each class must be to be in the set.

    Attributes
    ----------
    least
        Shape (n_classes,), in the order of `classes`.
    """

    classes: tuple[str, ...]
    least: Floats

    def of(self, probabilities: Floats) -> tuple[str, ...]:
        """Return the classes of the set, the most probable first; it always has that one.

        Parameters
        ----------
        probabilities
            Shape (n_classes,).
        """
        ordered = np.argsort(-probabilities, kind="stable")
        is_in = probabilities >= self.least
        is_in[ordered[0]] = True
        return tuple(self.classes[column] for column in ordered[is_in[ordered]].tolist())


def conformalize(
    sample: ContractSample, classes: Sequence[str], *, coverage: float
) -> PredictionSets:
    """Find how probable each class must be, so that its texts have it in their sets.

    Labels that are none of the classes are left out: no set can have them.

    Parameters
    ----------
    coverage
        Wanted probability that the right label is in the set, for texts of each class that has
        `MIN_CLASS` examples and for those of all other classes together.
    """
    column = {label: place for place, label in enumerate(classes)}
    known = np.isin(sample.label, classes)
    labels = np.array([column[label] for label in sample.label[known]], dtype=np.int64)
    given = sample.label_probability[known]
    is_own = np.bincount(labels, minlength=len(classes)) >= MIN_CLASS
    rest = given[~is_own[labels]]
    pooled = least_probability(rest if len(rest) >= MIN_CLASS else given, coverage)
    least = np.full(len(classes), pooled)
    for place in np.flatnonzero(is_own):
        least[place] = least_probability(given[labels == place], coverage)
    return PredictionSets(tuple(classes), least)


def least_probability(given: Floats, coverage: float) -> float:
    """Return the cut-off that the next of exchangeable texts passes with this probability.

    That is the ceil((n + 1) * coverage)-th largest of the probabilities that the right labels were
    given, or 0 where there are fewer.

    Examples
    --------
    >>> least_probability(np.array([0.9, 0.1, 0.8, 0.7]), 0.75)
    0.1
    >>> least_probability(np.array([0.9, 0.1, 0.8, 0.7]), 0.9)
    0.0
    """
    rank = ceil(round((len(given) + 1) * coverage, 9))  # 0.7 * 10 is a little more than 7
    return float(np.sort(given)[::-1][rank - 1]) if rank <= len(given) else 0.0
