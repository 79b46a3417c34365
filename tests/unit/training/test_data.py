from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from appeal_files import write_csv, write_jsonl, write_xlsx

from training.data import COLUMNS, Examples, complete_levels, read_examples
from training.errors import InvalidTrainingDataError
from triage.citydata import City, load_city
from triage.config import STARTER_DATA
from triage.errors import InvalidRecordsError

TOPIC, CATEGORY = "healthcare.ambulance", "healthcare"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(STARTER_DATA)


def read(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Examples:
    return read_examples([str(write_jsonl(tmp_path / "a.jsonl", rows))], **options)


def labels(examples: Examples) -> list[tuple[str | None, ...]]:
    table = examples.table[["category", "topic", "enterprise"]]
    return list(table.itertuples(index=False, name=None))


def rejected(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> list[str]:
    """Return the lines of the error, without the path of the file."""
    with pytest.raises(InvalidTrainingDataError) as caught:
        read(tmp_path, rows, **options)
    return str(caught.value).replace(f"{tmp_path}/", "").split("\n")


def frame(*rows: tuple[str | None, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["category", "topic"], dtype=object)


def test_read_examples_any_subset_of_labels_leaves_the_others_none(tmp_path: Path) -> None:
    row = {"text": "нет воды", "category": "c", "topic": "t", "enterprise": "e"}
    for dropped in (("category",), ("topic",), ("category", "topic"), ("enterprise", "topic")):
        kept = {name: value for name, value in row.items() if name not in dropped}
        [found] = labels(read(tmp_path, [kept]))
        assert found == tuple(kept.get(name) for name in ("category", "topic", "enterprise"))


def test_read_examples_table_has_all_columns_and_none_where_nothing_is(tmp_path: Path) -> None:
    examples = read(tmp_path, [{"text": "нет воды"}, {"text": "яма", "id": 7}])
    assert tuple(examples.table.columns) == COLUMNS
    assert examples.table["id"].tolist() == [None, "7"]
    assert examples.table.drop(columns=["id", "text"]).isna().all(axis=None)


def test_read_examples_unnamed_index_column_fills_no_other(tmp_path: Path) -> None:
    path = tmp_path / "pandas.csv"
    pd.DataFrame({"text": ["нет воды", "яма"], "topic": ["a", "b"]}).to_csv(path)
    assert labels(read_examples([str(path)])) == [(None, "a", None), (None, "b", None)]


def test_read_examples_mapping_names_the_columns(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["Обращение", "Кому", "topic"], ["яма", "3", "roads"]])
    examples = read_examples([str(path)], mapping={"text": "Обращение", "enterprise": "Кому"})
    assert labels(examples) == [(None, "roads", "3")]
    assert examples.table["text"].tolist() == ["яма"]


@pytest.mark.parametrize("mapping", [{"text": "words"}, {"topic": "subject"}])
def test_read_examples_mapped_column_that_is_not_there_is_told(
    tmp_path: Path, mapping: dict[str, str]
) -> None:
    [name] = mapping
    [told] = rejected(tmp_path, [{"text": "яма", "тема": "a"}], mapping=mapping)
    assert told == f"a.jsonl: no column {mapping[name]!r} for {name}; it has text, тема"


def test_read_examples_no_text_column_is_told(tmp_path: Path) -> None:
    [told] = rejected(tmp_path, [{"message": "яма"}])
    assert told == "a.jsonl: no column 'text' for text; it has message"


def test_read_examples_aliases_are_found_unless_mapped(tmp_path: Path) -> None:
    rows = [{"text": "яма", "lang": "ru", "enterprise_id": "E1", "executor": "E2"}]
    found = read(tmp_path, rows).table.iloc[0]
    assert (found["language"], found["enterprise"]) == ("ru", "E1")
    found = read(tmp_path, rows, mapping={"enterprise": "executor"}).table.iloc[0]
    assert found["enterprise"] == "E2"


def test_read_examples_lines_with_other_columns_are_read_by_their_own(tmp_path: Path) -> None:
    rows = [{"text": "яма"}, {"enterprise_id": "E1", "text": "нет воды"}]
    assert labels(read(tmp_path, rows)) == [(None, None, None), (None, None, "E1")]


def test_read_examples_codes_are_the_same_from_every_format(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["text", "enterprise"], ["нет воды", 3.0], ["яма", 17]]
    frame = pd.DataFrame(rows[1:], columns=rows[0]).astype({"enterprise": float})
    frame.to_parquet(tmp_path / "a.parquet")
    write_xlsx(tmp_path / "a.xlsx", rows)
    write_csv(tmp_path / "a.csv", [["text", "enterprise"], ["нет воды", "3"], ["яма", " 17 "]])
    write_jsonl(tmp_path / "a.jsonl", [dict(zip(rows[0], row, strict=True)) for row in rows[1:]])
    hashes = {
        read_examples([str(tmp_path / f"a.{ending}")]).data_hash
        for ending in ("parquet", "xlsx", "csv", "jsonl")
    }
    assert len(hashes) == 1


def test_read_examples_unknown_labels_are_listed_by_line_and_the_rest_counted(
    tmp_path: Path, city: City
) -> None:
    rows = [
        {"text": "a", "topic": "no.topic"},
        {"text": "b", "category": "no_category"},
        {"text": "c", "enterprise": "NOBODY"},
        {"text": "d", "topic": TOPIC, "category": "roads"},
        {"text": "e", "topic": TOPIC, "enterprise": "AKIM-ALMATY"},
        *({"text": "f", "topic": f"t{n}"} for n in range(9)),
    ]
    told = rejected(tmp_path, rows, taxonomy=city.taxonomy, enterprises=city.enterprises)
    assert told[:5] == [
        "a.jsonl:1: unknown topic 'no.topic'",
        "a.jsonl:2: unknown category 'no_category'",
        "a.jsonl:3: unknown enterprise 'NOBODY'",
        f"a.jsonl:4: topic '{TOPIC}' is not in category 'roads'",
        "a.jsonl:6: unknown topic 't0'",
    ]
    assert len(told) == 11
    assert told[-1] == "and 3 more"


def test_read_examples_taxonomy_gives_the_category(tmp_path: Path, city: City) -> None:
    rows = [{"text": "скорая", "topic": TOPIC}, {"text": "врач", "category": CATEGORY}]
    examples = read(tmp_path, rows, taxonomy=city.taxonomy)
    assert labels(examples) == [(CATEGORY, TOPIC, None), (CATEGORY, None, None)]


def test_read_examples_topic_under_two_categories_takes_the_usual_one_and_warns(
    tmp_path: Path,
) -> None:
    rows = [
        {"text": f"нет воды {n}", "topic": "вода", "category": category}
        for n, category in enumerate(["жкх", "дороги", "жкх", None])
    ]
    examples = read(tmp_path, rows)
    assert labels(examples) == [("жкх", "вода", None)] * 4
    assert examples.warnings == (
        "topic 'вода' comes with category 'дороги' in 1 rows,"
        " but mostly with 'жкх', which was taken",
    )


def test_read_examples_label_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    rows = [
        {"text": "a", "topic": "вода", "category": "жкх"},
        {"text": "b", "topic": "яма"},
        {"text": "c", "category": "дороги"},
    ]
    assert labels(read(tmp_path, rows)) == [
        ("жкх", "вода", None),
        (None, "яма", None),
        ("дороги", None, None),
    ]


def test_complete_levels_topic_without_category_becomes_its_own() -> None:
    table = complete_levels(frame(("жкх", "вода"), (None, "яма")))
    assert table.to_numpy().tolist() == [["жкх", "вода"], ["яма", "яма"]]


def test_complete_levels_topic_that_has_a_category_elsewhere_gets_that_one() -> None:
    table = complete_levels(frame((None, "вода"), ("жкх", "вода"), (None, "вода")))
    assert table.to_numpy().tolist() == [["жкх", "вода"]] * 3


def test_complete_levels_category_without_topics_becomes_its_own_topic() -> None:
    table = complete_levels(frame(("жкх", "вода"), ("дороги", None), ("жкх", None), (None, None)))
    assert table.to_numpy().tolist() == [
        ["жкх", "вода"],
        ["дороги", "дороги"],
        ["жкх", None],
        [None, None],
    ]


def test_complete_levels_category_named_as_another_ones_topic_is_that_topic() -> None:
    table = complete_levels(frame(("жкх", "вода"), ("вода", None)))
    assert table.to_numpy().tolist() == [["жкх", "вода"], ["жкх", "вода"]]


@pytest.mark.parametrize("rows", [[("жкх", None), (None, None)], [(None, "вода")]])
def test_complete_levels_one_level_alone_stays_alone(
    rows: list[tuple[str | None, str | None]],
) -> None:
    assert complete_levels(frame(*rows)).to_numpy().tolist() == [list(row) for row in rows]


def test_read_examples_rows_without_text_are_left_out_with_a_warning(tmp_path: Path) -> None:
    texts = ["яма", "", None, " \n", "<br>&nbsp;<p></p>", "\u200b"]
    examples = read(tmp_path, [{"text": text, "topic": "a"} for text in texts])
    assert examples.table["text"].tolist() == ["яма"]
    assert [line.split("a.jsonl:")[1] for line in examples.warnings[0].split("\n")] == [
        f"{line}: no text, left out" for line in range(2, 7)
    ]


def test_read_examples_nothing_but_empty_texts_is_an_error(tmp_path: Path) -> None:
    [told] = rejected(tmp_path, [{"text": " "}, {"text": "<br>"}])
    assert told == "a.jsonl: no appeals"


def test_read_examples_html_is_taken_out(tmp_path: Path) -> None:
    html = "<p>Нет&nbsp;воды<br/>третий&nbsp;день</p><script>alert(1)</script>"
    assert read(tmp_path, [{"text": html}]).table["text"].tolist() == ["Нет воды третий день"]


NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2024, 3, 5, tzinfo=UTC)
ASTANA = timezone(timedelta(hours=5))

TIMES = {
    "2024-03-05": MIDNIGHT,
    "2024-03-05T12:00:00Z": NOON,
    "2024-03-05 12:00": NOON,
    "2024-03-05T17:00:00+05:00": NOON,
    "2024-03-05 9:30": NOON.replace(hour=9, minute=30),
    "05.03.2024": MIDNIGHT,
    " 05.03.2024 12:00 ": NOON,
    "05.03.2024 9:30:00": NOON.replace(hour=9, minute=30),
    "05.03.2024 17:00+05:00": NOON,
    "": None,
    None: None,
}


@pytest.mark.parametrize(("written", "meant"), TIMES.items(), ids=str)
def test_read_examples_received_at_is_read(
    tmp_path: Path, written: str | None, meant: datetime | None
) -> None:
    found = read(tmp_path, [{"text": "яма", "received_at": written}]).table["received_at"][0]
    assert found == meant if meant else found is None


def test_read_examples_received_at_of_a_table_file_is_read(tmp_path: Path) -> None:
    times = [NOON.astimezone(ASTANA), datetime(2024, 3, 5, 12, 0), date(2024, 3, 5), None]  # noqa: DTZ001  # tables hold such
    for number, time in enumerate(times):
        frame = pd.DataFrame({"text": ["яма"], "received_at": [time]})
        frame.to_parquet(tmp_path / f"{number}.parquet")
    found = [
        read_examples([str(tmp_path / f"{number}.parquet")]).table["received_at"][0]
        for number in range(len(times))
    ]
    assert found == [NOON, NOON, MIDNIGHT, None]


@pytest.mark.parametrize(
    "written", ["вчера", "31.02.2024", "2024-13-01", "5.3.24", "05.03.2024 25:00", "1700000000"]
)
def test_read_examples_received_at_that_is_no_time_is_told(tmp_path: Path, written: str) -> None:
    told = rejected(tmp_path, [{"text": "a"}, {"text": "яма", "received_at": written}])
    assert told == [f"a.jsonl:2: received_at: can't read {written!r}"]


TRUTHS = [
    (True, True),
    (False, False),
    (1, True),
    (0, False),
    (1.0, True),
    ("true", True),
    ("False", False),
    ("Да", True),
    (" нет ", False),
    ("иә", True),
    ("жоқ", False),
    ("", None),
    (None, None),
    (float("nan"), None),
]


def test_read_examples_urgent_is_read(tmp_path: Path) -> None:
    examples = read(tmp_path, [{"text": "яма", "urgent": written} for written, _ in TRUTHS])
    assert examples.table["urgent"].tolist() == [meant for _, meant in TRUTHS]


def test_read_examples_urgent_that_is_no_truth_is_told(tmp_path: Path) -> None:
    told = rejected(tmp_path, [{"text": "яма", "urgent": "очень"}])
    assert told == ["a.jsonl:1: urgent: can't read 'очень'"]


def test_read_examples_several_files_are_joined_in_order(tmp_path: Path) -> None:
    first = write_jsonl(tmp_path / "a.jsonl", [{"text": "яма", "topic": "roads"}])
    second = write_csv(tmp_path / "b.csv", [["text", "enterprise"], ["нет воды", "E1"]])
    examples = read_examples([str(first), str(second)])
    assert examples.table["text"].tolist() == ["яма", "нет воды"]
    assert labels(examples) == [(None, "roads", None), (None, None, "E1")]


def test_read_examples_broken_file_among_several_is_named(tmp_path: Path) -> None:
    good = write_jsonl(tmp_path / "good.jsonl", [{"text": "яма"}])
    bad = tmp_path / "bad.csv"
    bad.write_text("text,topic\nяма\n", encoding="utf-8")
    with pytest.raises(InvalidRecordsError, match=r"bad\.csv:2: 1 fields"):
        read_examples([str(good), str(bad)])


ROWS: list[dict[str, Any]] = [
    {"text": "яма", "topic": "roads", "received_at": "2024-01-01", "urgent": False},
    {"text": "нет воды", "topic": "water", "enterprise": "E1", "received_at": "2024-01-02"},
]
CHANGES: dict[str, list[dict[str, Any]]] = {
    "order": [ROWS[1], ROWS[0]],
    "text": [ROWS[0] | {"text": "ямы"}, ROWS[1]],
    "topic": [ROWS[0] | {"topic": "water"}, ROWS[1]],
    "label to another level": [ROWS[0], {**ROWS[1], "enterprise": None, "category": "E1"}],
    "urgency": [ROWS[0] | {"urgent": True}, ROWS[1]],
    "time": [ROWS[0] | {"received_at": "2024-01-03"}, ROWS[1]],
    "row more": [*ROWS, ROWS[0]],
}


@pytest.mark.parametrize("rows", CHANGES.values(), ids=CHANGES)
def test_data_hash_any_change_of_content_changes_it(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    assert read(tmp_path, rows).data_hash != read(tmp_path, ROWS).data_hash


def test_data_hash_name_of_the_file_and_other_columns_do_not_change_it(tmp_path: Path) -> None:
    renamed = write_jsonl(tmp_path / "b.jsonl", [row | {"id": 1, "voice": "x"} for row in ROWS])
    assert read_examples([str(renamed)]).data_hash == read(tmp_path, ROWS).data_hash


def test_read_snapshot_columns_are_carried_and_weights_are_numbers(tmp_path: Path) -> None:
    rows = [["text", "topic", "weight", "label_source", "group"], ["яма", "a", "0.5", "audit", "3"]]
    table = read_examples([str(write_csv(tmp_path / "s.csv", rows))]).table
    assert table.loc[0, ["weight", "label_source", "group"]].tolist() == [0.5, "audit", "3"]


@pytest.mark.parametrize("weight", ["0", "-1", "inf", "nan", "much"])
def test_read_weight_that_is_no_positive_number_is_told(tmp_path: Path, weight: str) -> None:
    path = write_csv(tmp_path / "s.csv", [["text", "weight"], ["яма", weight]])
    with pytest.raises(InvalidTrainingDataError, match=f"s.csv:2: weight: can't read '{weight}'"):
        read_examples([str(path)])


def test_data_hash_changes_with_weights_alone(tmp_path: Path) -> None:
    def hash_of(*columns: str) -> str:
        cells = {"text": "яма", "weight": "0.5", "district": "esil"}
        path = write_csv(tmp_path / "s.csv", [columns, [cells[name] for name in columns]])
        return read_examples([str(path)]).data_hash

    assert hash_of("text") == hash_of("text", "district")
    assert hash_of("text") != hash_of("text", "weight")
