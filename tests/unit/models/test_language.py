from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language import LANGUAGE_OF, identify, script
from models.text import normalise

TABLE = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / "language.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("bucket", "text"), TABLE)
def test_script_text_of_the_table_is_told(bucket, text):
    assert script(normalise(text)) == bucket


@pytest.mark.parametrize("bucket", sorted(LANGUAGE_OF))
def test_language_table_holds_every_script(bucket):
    assert sum(row[0] == bucket for row in TABLE) >= 10


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ыстык су кашан болады", "kk"),
        ("ystyq su qashan bolady", "kk"),
        ("kogda dadut goryachuyu vodu", "ru"),
        ("Су жоқ, когда дадут?", "mixed"),
        ("12345", "other"),
    ],
)
def test_identify_any_spelling_gives_the_language(text, language):
    assert identify(text) == language


def test_identify_russian_text_with_kazakh_names_stays_russian():
    assert identify("Айгүл с Тәуелсіздік 5 просит убрать снег возле Сығанақ") == "ru"


@given(st.text(st.characters(codec=None), max_size=200))
def test_identify_any_text_never_raises(text):
    assert identify(text) in {"ru", "kk", "mixed", "other"}
