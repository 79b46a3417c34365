from __future__ import annotations

import csv

from comparison_cases import answers, table_of

from training.comparison.changes import changes_of, write_changes

TRUE = ["a", "a", "a", "b", None, "b", "a"]
CHAMPION = ["a", "a", "a", "a", "a", "a", "a"]
CHALLENGER = ["b", "b", "b", "c", "b", "b", "a"]
PROBABILITY = [0.6, 0.9, 0.7, 0.99, 0.99, 0.99, 0.99]
UNSEEN = [False, False, True, True, True, True, True]


def changes(**columns):
    old, new = answers(TRUE, CHAMPION), answers(TRUE, CHALLENGER, PROBABILITY, UNSEEN)
    return changes_of({"topic": old}, {"topic": new, "category": new}, table_of(7, **columns))


def test_changes_worst_come_first():
    # What is lost unseen, then what is lost with the highest probability; what is won comes last.
    found = [(one.row, one.outcome) for one in changes()]
    assert found == [
        *((3, "lost"), (2, "lost"), (1, "lost")),
        *((4, "both_wrong"), (5, "unlabelled"), (6, "won")),
    ]


def test_changes_are_named_by_their_id_or_decision():
    ids, decisions = ["x", *[None] * 6], ["d1", "d2", *[None] * 5]
    found = {one.row: one.id for one in changes(id=ids, decision_id=decisions)}
    assert (found[1], found[2], found[3]) == ("x", "d2", "")


def test_changes_texts_are_masked(tmp_path):
    write_changes(changes(text="Позвоните мне: 8 701 234 56 78, вода течёт"), tmp_path / "c.csv")
    with (tmp_path / "c.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert rows[0]["true"] == "a"
    assert rows[4]["true"] == ""
    assert "234" not in rows[0]["text"]
    assert "вода течёт" in rows[0]["text"]
