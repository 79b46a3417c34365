"""Districts as a form's field names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage.appeal import Bilingual
from triage.citydata import load_city
from triage.districts import District, Districts

DATA = Path(__file__).parent / "data"
NAMES = [
    line.split("\t")
    for line in (DATA / "district_names.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
ESIL = District("ESIL", Bilingual(ru="Есиль", kk="Есіл"))


@pytest.mark.parametrize(("text", "code"), NAMES)
def test_resolve_field_of_table_gives_its_code(text: str, code: str) -> None:
    assert load_city(DATA / "city").districts.resolve(text) == (code or None)


def test_resolve_code_that_is_another_districts_name_means_the_code() -> None:
    confusing = District("Есиль", Bilingual(ru="Нура", kk="Нұра"))
    assert Districts.of([confusing, ESIL]).resolve("Есиль") == "Есиль"


def test_get_takes_the_very_code_only() -> None:
    districts = Districts.of([ESIL])
    assert districts.get("ESIL") == ESIL
    assert districts.get("esil") is None
