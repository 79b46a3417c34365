"""How good choices and their probabilities are against true labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from models.calibration import expected_calibration_error
from models.classifier import Floats
from training.heads import Splits

TOP = 3
Z_95 = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""

Labels = npt.NDArray[np.object_]
Rows = npt.NDArray[np.int64] | npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Choices:
    """What a method chose for labelled texts, at one level.

    Attributes
    ----------
    true
        Shape (n,): labels, None where a text has none.
    best
        Shape (n, TOP): the likeliest labels, best first; None where there were fewer.
    probability
        Shape (n,): of the first of them; NaN from a method that gives no probabilities.
    second
        Shape (n,): of the second of them, 0 where there is none; or NaN.
    """

    true: Labels
    best: Labels
    probability: Floats
    second: Floats

    @classmethod
    def of(
        cls, true: Labels, values: Floats, classes: Sequence[str], *, probable: bool = True
    ) -> Choices:
        """Choose the classes of the largest values.

        Parameters
        ----------
        values
            Shape (n, n_classes): probabilities, or margins where not `probable`.
        """
        order = np.argsort(-values, axis=1, kind="stable")[:, :TOP]
        best = np.full((len(values), TOP), None, dtype=object)
        best[:, : order.shape[1]] = np.asarray(classes, dtype=object)[order]
        if not probable:
            unknown = np.full(len(values), np.nan)
            return cls(true, best, unknown, unknown)
        two = np.sort(np.pad(values, ((0, 0), (1, 0))), axis=1)[:, -2:]
        return cls(true, best, two[:, 1], two[:, 0])

    def at(self, rows: Rows) -> Choices:
        """Return the choices of some of the rows."""
        return Choices(**{name: values[rows] for name, values in vars(self).items()})

    @property
    def labelled(self) -> Choices:
        """The choices for texts that have a label."""
        return self.at(np.array([label is not None for label in self.true], dtype=bool))

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Shape (n,): whether the first choice was right."""
        return np.asarray(self.best[:, 0] == self.true, dtype=bool)

    def __len__(self) -> int:
        return len(self.true)


def joined(parts: Sequence[Choices], splits: Splits) -> Choices:
    """Put choices for what each split held out together, in the order of the rows."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    order = np.argsort(np.concatenate([held_out for _, held_out in splits]))
    return Choices(*(np.concatenate(column)[order] for column in columns))


def measure(choices: Choices, weights: Floats | None = None) -> dict[str, float]:
    """Return accuracy, macro-F1, top-3 accuracy and expected calibration error.

    Texts without a label are left out, and nothing is returned where there are no others. A label
    that the method does not know counts as wrong. Without probabilities there is no error of
    calibration.

    Parameters
    ----------
    weights
        Shape (n,), what each text counts; None for all alike. ``n`` is their number all the same.
    """
    is_known = np.array([label is not None for label in choices.true], dtype=bool)
    known = choices.at(is_known)
    if not len(known):
        return {}
    counts = None if weights is None else weights[is_known]
    true, chosen = known.true.astype(str), known.best[:, 0].astype(str)
    figures = {
        "n": float(len(known)),
        "accuracy": float(np.average(known.correct, weights=counts)),
        "macro_f1": float(
            f1_score(true, chosen, average="macro", zero_division=0, sample_weight=counts)
        ),
        "top3_accuracy": float(
            np.average((known.best == known.true[:, None]).any(axis=1), weights=counts)
        ),
    }
    if not np.isnan(known.probability).any():
        figures["ece"] = expected_calibration_error(
            known.probability, known.correct, weights=counts
        )
    return figures


def level_metrics(
    labels: Labels, probabilities: Floats, classes: Sequence[str]
) -> dict[str, float]:
    """Measure probabilities, shape (n, n_classes), as `measure` does choices."""
    return measure(Choices.of(labels, probabilities, classes))


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of `n` independent trials.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.

    Examples
    --------
    >>> tuple(round(bound, 3) for bound in wilson_interval(0.5, 10))
    (0.237, 0.763)
    """
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    spread = sqrt(share * (1 - share) / n + (Z_95 / (2 * n)) ** 2)
    half = Z_95 / (1 + Z_95**2 / n) * spread
    return max(0.0, centre - half), min(1.0, centre + half)
