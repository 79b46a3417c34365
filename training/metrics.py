"""How good probabilities are against true labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from models.calibration import expected_calibration_error
from models.classifier import Floats

TOP = 3


def level_metrics(
    labels: npt.NDArray[np.object_], probabilities: Floats, classes: Sequence[str]
) -> dict[str, float]:
    """Return accuracy, macro-F1, top-3 accuracy and expected calibration error.

    Rows without a label are left out; a label that the classes lack counts as wrong.

    Parameters
    ----------
    labels
        Shape (n,), strings or None.
    probabilities
        Shape (n, n_classes).
    """
    known = np.array([label is not None for label in labels], dtype=bool)
    true, probability = labels[known].astype(str), probabilities[known]
    if not len(true):
        return {}
    names = np.asarray(classes, dtype=str)
    best = np.argsort(-probability, axis=1, kind="stable")[:, :TOP]
    correct = names[best[:, 0]] == true
    return {
        "n": float(len(true)),
        "accuracy": float(correct.mean()),
        "macro_f1": float(f1_score(true, names[best[:, 0]], average="macro", zero_division=0)),
        "top3_accuracy": float((names[best] == true[:, None]).any(axis=1).mean()),
        "ece": expected_calibration_error(probability.max(axis=1), correct),
    }
