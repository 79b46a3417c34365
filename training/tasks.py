"""What heads are fitted to: a task for each level that has labels, and one for urgency."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.bundle import NORMAL, URGENT
from models.classifier import Floats
from models.prediction import LEVELS
from training.errors import InvalidTrainingDataError
from training.heads import Task
from training.splits import MAX_FOLD_WORK

URGENCY = "urgency"


def label_tasks(table: pd.DataFrame) -> list[Task]:
    """Return a task for each level that has labels, and one for urgency where it has both.

    Raises
    ------
    InvalidTrainingDataError
        There is no label at any level.
    """
    weights = row_weights(table)
    tasks = [Task(level, table[level].to_numpy(dtype=object), weights) for level in LEVELS]
    tasks = [task for task in tasks if len(task.rows)]
    if not tasks:
        raise InvalidTrainingDataError(f"no labels: give at least one of {', '.join(LEVELS)}")
    names = {True: URGENT, False: NORMAL}
    urgent = np.array([names.get(value) for value in table["urgent"]], dtype=object)
    return [*tasks, Task(URGENCY, urgent, weights)] if {URGENT, NORMAL} <= set(urgent) else tasks


def row_weights(table: pd.DataFrame) -> Floats | None:
    """Return how much each row counts, 1 where it does not say; None where no row says."""
    if table["weight"].isna().all():
        return None
    return np.array([1.0 if weight is None else weight for weight in table["weight"]])


def n_held_apart(table: pd.DataFrame, *, crossed: bool) -> int:
    """Return how many parts are held out for good where folds are too much work; 0 for none.

    Parameters
    ----------
    crossed
        A contract sample is to be crossed over them, which takes two.
    """
    n_classes = max(len(set(task.labels[task.rows])) for task in label_tasks(table))
    if len(table) * n_classes <= MAX_FOLD_WORK:
        return 0
    return 2 if crossed else 1
