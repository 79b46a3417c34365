"""How many of 100 wrong labels, planted among real ones, are among the 150 most suspect rows."""

from pathlib import Path

import numpy as np
import pytest

from training.checking.label_errors import find_label_errors
from training.data import read_examples
from training.encoders import STATIC, choose_encoder
from training.splits import near_duplicate_groups
from triage.progress import Silent

pytestmark = pytest.mark.statistical

TRAIN = Path(__file__).parents[3] / "shared/data/kursk/train.csv"
N_PLANTED, N_READ, WANTED = 100, 150, 60


@pytest.fixture(scope="module")
def table():
    if not TRAIN.is_file():
        pytest.skip("the Kursk appeals are not here: they may not be shipped")
    # A category that did not go with its topic would be found without any model.
    return read_examples([str(TRAIN)]).table.assign(topic=None, enterprise=None)


@pytest.fixture(scope="module")
def groups(table):
    return near_duplicate_groups(table["text"])


def plant(table, *, is_proportional, seed):
    """Give 100 rows another category, any one alike or the frequent ones more often."""
    rng = np.random.default_rng(seed)
    labels = table["category"].to_numpy(dtype=object).copy()
    shares = table["category"].value_counts(normalize=True).sort_index()
    rows = rng.choice(len(labels), N_PLANTED, replace=False)
    for row in rows:
        others = shares.drop(labels[row])
        weights = others / others.sum() if is_proportional else None
        labels[row] = rng.choice(others.index.to_numpy(), p=weights)
    return table.assign(category=labels), rows


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("is_proportional", [False, True], ids=["uniform", "proportional"])
def test_planted_labels_are_among_the_most_suspect(
    table, groups, is_proportional, seed, record_property
):
    wrong, planted = plant(table, is_proportional=is_proportional, seed=seed)
    errors = find_label_errors(
        wrong, groups, dense_encoder=choose_encoder(STATIC), seed=0, progress=Silent()
    )["category"]
    found = len(np.intersect1d(errors.rows[:N_READ], planted))
    record_property("found", found)
    assert found >= WANTED
    assert errors.n_likely >= N_PLANTED
