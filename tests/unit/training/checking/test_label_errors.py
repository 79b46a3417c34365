from __future__ import annotations

import numpy as np
import pandas as pd

from training.checking.label_errors import find_label_errors
from training.data import COLUMNS
from triage.progress import Silent

WORDS = {"снег": "snow", "вода": "water", "дорога": "roads"}
N_EACH = 12


def appeals() -> pd.DataFrame:
    rows = [
        {"text": f"{word} во дворе дома {number}", "category": label}
        for number in range(N_EACH)
        for word, label in WORDS.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(object).where(lambda t: t.notna(), None)


def find(table: pd.DataFrame):  # type: ignore[no-untyped-def]  # inferred from the function
    groups = np.arange(len(table))
    return find_label_errors(table, groups, dense_encoder=None, seed=0, progress=Silent())


def test_find_wrong_label_is_the_most_suspect_with_its_likely_one() -> None:
    table = appeals()
    table.loc[4, "category"] = "snow"  # a text on water
    errors = find(table)["category"]
    assert errors.rows[0] == 4
    assert errors.likely[0] == "water"
    assert errors.probability[0] < 0.2 < 0.5 < errors.likely_probability[0]
    assert 1 <= errors.n_likely < 6
    assert (np.diff(errors.probability) >= 0).all()


def test_find_rare_and_missing_labels_are_not_judged() -> None:
    table = appeals()
    table.loc[0, "category"] = "alone"
    table.loc[1, "category"] = None
    assert not {0, 1} & set(find(table)["category"].rows.tolist())


def test_find_levels_without_two_labels_are_left_out() -> None:
    table = appeals().assign(enterprise="E1")
    assert find(table).keys() == {"category"}
    assert find(table.assign(category=None)) == {}


def test_find_near_duplicates_do_not_vouch_for_each_other() -> None:
    table = appeals()
    twin = table.iloc[[4]].assign(category="snow")
    doubled = pd.concat([table, twin, twin], ignore_index=True)
    doubled.loc[4, "category"] = "snow"
    groups = np.arange(len(doubled))
    groups[-2:] = 4
    errors = find_label_errors(doubled, groups, dense_encoder=None, seed=0, progress=Silent())[
        "category"
    ]
    assert set(errors.rows[:3].tolist()) == {4, len(doubled) - 2, len(doubled) - 1}
