"""Picks the appeals that are most worth labelling: doubtful ones, and not the same one twice.

Doubt is how close the two most probable topics are (margin sampling: Scheffer, Decomain and
Wrobel, "Active hidden Markov models for information extraction", IDA 2001). Of the most doubtful,
those are picked that lie apart: by the seeding of k-means++ (Arthur and Vassilvitskii, SODA 2007)
over the features that the heads see, with doubt as the weight, as in Ash et al., "Deep batch active
learning by diverse, uncertain gradient lower bounds", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.cluster import kmeans_plusplus

from models.bundle import BATCH, TriageModel
from models.classifier import Floats
from models.prediction import Candidate, Level
from models.text import normalise
from training.errors import TrainingError
from triage.progress import Reporter, Silent

POOL = 10
"""How many doubtful appeals each picked one is chosen from."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An appeal to label.

    Attributes
    ----------
    row
        Its place among the texts.
    first, second
        What it is most probably about, and what else.
    """

    row: int
    language: str
    first: Candidate
    second: Candidate

    @property
    def doubt(self) -> float:
        """1 where the two are equally probable, 0 where the first is certain."""
        return 1 - (self.first.probability - self.second.probability)


def suggest(
    model: TriageModel,
    texts: Sequence[str],
    budget: int,
    *,
    level: Level = "topic",
    seed: int = 0,
    progress: Reporter | None = None,
) -> list[Suggestion]:
    """Pick up to `budget` texts that are worth labelling, the most doubtful first.

    Raises
    ------
    TrainingError
        The model has no head for the level, or one of a single class: nothing is in doubt.
    """
    if len(model.heads[level].classes if level in model.heads else ()) < 2:
        raise TrainingError(f"the model can't tell one {level} from another: nothing is in doubt")
    found = _doubts(model, texts, level, progress or Silent())
    found = sorted(found, key=lambda one: (-one.doubt, one.row))[: POOL * budget]
    if len(found) <= budget:
        return found
    picked = _apart(_features(model, [texts[one.row] for one in found]), found, budget, seed)
    return [found[place] for place in sorted(picked)]


def _doubts(
    model: TriageModel, texts: Sequence[str], level: Level, progress: Reporter
) -> list[Suggestion]:
    starts = range(0, len(texts), BATCH)
    predictions = (
        (start + place, prediction)
        for start in progress.track("scoring texts", starts, len(starts))
        for place, prediction in enumerate(model.predict(texts[start : start + BATCH]))
    )
    return [
        Suggestion(row, prediction.language, *prediction.levels[level][:2])
        for row, prediction in predictions
        if prediction.evidence > 0  # a text without a known word teaches nothing
    ]


def _features(model: TriageModel, texts: Sequence[str]) -> sparse.csr_matrix:
    plain = [normalise(text) for text in texts]
    return model.encode(plain)[0]


def _apart(
    features: sparse.csr_matrix, found: Sequence[Suggestion], budget: int, seed: int
) -> npt.NDArray[np.int64]:
    doubts: Floats = np.array([max(one.doubt, 1e-6) for one in found])
    _, picked = kmeans_plusplus(
        features.astype(np.float64), budget, sample_weight=doubts, random_state=seed
    )
    distinct: npt.NDArray[np.int64] = np.unique(picked)
    return distinct
