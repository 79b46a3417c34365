from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from appeal_files import corpus, write_csv, write_jsonl

from training.distil.texts import GLOSSARY, MAX_CHARS, make_corpus, project_terms, read_corpus
from training.errors import InvalidTrainingDataError
from triage.errors import InvalidRecordsError

KAZAKH_LETTERS = set("әғқңөұүһі")


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def sentences(text_files: list[Path], pair_files: list[Path] | None = None) -> list[str]:
    read = read_corpus(text_files, pair_files or [])
    return [text for text, is_term in zip(read.texts, read.is_term, strict=True) if not is_term]


def test_read_corpus_lines_are_cleaned_and_come_once(tmp_path: Path) -> None:
    lines = "\ufeffНет  воды\n\n<b>Нет воды</b>\r\nҮйде жарық жоқ\n 👍 5!\n"
    assert sentences([write(tmp_path / "a.txt", lines)]) == ["Нет воды", "Үйде жарық жоқ"]


def test_read_corpus_appeals_of_any_file_are_read_from_their_text(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "a.csv", [["id", "text"], [1, "Нет света"], [2, "Үйде жылу жоқ"]])
    rows = write_jsonl(
        tmp_path / "b.jsonl", [{"text": "Үйде жылу жоқ"}, {"text": None}, {"text": "Яма"}]
    )
    assert sentences([table, rows]) == ["Нет света", "Үйде жылу жоқ", "Яма"]


def test_read_corpus_long_text_is_read_in_parts_without_losing_words(tmp_path: Path) -> None:
    text = " ".join(row["text"] for row in corpus()[:8])
    parts = sentences([write(tmp_path / "a.txt", text)])
    assert len(parts) > 2
    assert max(map(len, parts)) <= MAX_CHARS
    assert text.startswith(" ".join(parts))


def test_read_corpus_pairs_know_their_languages_and_each_other(tmp_path: Path) -> None:
    pairs = write(tmp_path / "p.tsv", "kk\tru\nБассейн ашылды\tБассейн открыли\n")
    read = read_corpus([], [pairs])
    kazakh, russian = (read.texts.index(text) for text in ("Бассейн ашылды", "Бассейн открыли"))
    assert read.counterparts[kazakh] == russian
    assert read.counterparts[russian] == russian
    assert (read.languages[kazakh], read.languages[russian]) == ("kk", "ru")


@pytest.mark.parametrize(
    "pair",
    [
        "Иә\tДа, мы вам обязательно ответим",
        f"{'ауа ' * 80}\t{'воз ' * 80}",
        "👍\tХорошо",
    ],
    ids=["lengths differ", "too long", "no letters"],
)
def test_read_corpus_pair_that_can_not_be_aligned_is_left_out(tmp_path: Path, pair: str) -> None:
    pairs = write(tmp_path / "p.tsv", f"kk\tru\nСу жоқ\tВоды нет\n{pair}\n")
    assert sentences([], [pairs]) == ["Воды нет", "Су жоқ"]


def test_make_corpus_same_word_twice_is_no_pair() -> None:
    made = make_corpus(["Нет воды"], [], [("газ", "газ"), ("су", "вода")])
    assert made.texts == ("газ", "вода", "су", "Нет воды")
    assert made.languages == ("ru", "ru", "kk", "ru")
    assert made.counterparts.tolist() == [0, 1, 1, 3]
    assert made.is_term.tolist() == [True, True, True, False]


def test_make_corpus_text_of_a_pair_keeps_the_language_of_its_column() -> None:
    made = make_corpus(["Лифт тоқтап қалды", "Лифт"], [("Лифт тоқтап қалды", "Лифт")], [])
    assert made.texts == ("Лифт", "Лифт тоқтап қалды")
    assert made.languages == ("ru", "kk")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("су\tвода\n", "p.tsv:1: 'kk', a tab and 'ru' are expected"),
        ("ru\tkk\n", "p.tsv:1: "),
        ("kk\tru\nсу вода\n", "p.tsv:2: not two columns"),
        ("kk\tru\nсу\tвода\twater\n", "p.tsv:2: not two columns"),
        ("", "no texts"),
    ],
)
def test_read_corpus_bad_pairs_are_told_with_their_line(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(InvalidTrainingDataError, match=message):
        read_corpus([], [write(tmp_path / "p.tsv", content)])


def test_read_corpus_no_text_in_the_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrainingDataError, match=r"a\.txt: no texts"):
        read_corpus([write(tmp_path / "a.txt", "\n 5 \n")])


def test_read_corpus_no_column_text_is_told(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "a.csv", [["id", "body"], [1, "Нет света"]])
    with pytest.raises(InvalidTrainingDataError, match=r"no column 'text'; it has id, body"):
        read_corpus([table])


def test_read_corpus_other_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Нет воды".encode("cp1251"))
    with pytest.raises(InvalidTrainingDataError, match=r"a\.txt: not UTF-8"):
        read_corpus([tmp_path / "a.txt"])


def test_read_corpus_unknown_kind_of_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidRecordsError, match="not a "):
        read_corpus([write(tmp_path / "a.docx", "x")])


def test_project_terms_hold_the_glossary_and_the_city() -> None:
    terms = project_terms()
    assert ("шұңқыр", "яма") in terms
    assert len(terms) > 1_000


def test_glossary_is_well_formed() -> None:
    header, *lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines]
    assert header == "kk\tru"
    assert {len(pair) for pair in pairs} == {2}
    assert len({kazakh for kazakh, _ in pairs}) == len(pairs) > 300
    for kazakh, russian in pairs:
        assert kazakh != russian
        assert not KAZAKH_LETTERS & set(russian.lower())
        for side in (kazakh, russian):
            assert side == unicodedata.normalize("NFC", side).strip() != ""
            assert not any("a" <= letter <= "z" for letter in side.lower())


def test_read_corpus_starter_languages_agree_with_its_labels(tmp_path: Path) -> None:
    rows = corpus()[:300]
    made = read_corpus([write_jsonl(tmp_path / "a.jsonl", rows)])
    found = dict(zip(made.texts, made.languages, strict=True))
    known = [(found[row["text"]], row["lang"]) for row in rows if row["text"] in found]
    assert len(known) > 250
    assert np.mean([guess == truth for guess, truth in known]) > 0.9
