"""Reading routing.yaml: each kind of problem is told with its line."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from triage.appeal import Bilingual
from triage.citydata import City, load_city
from triage.config import STARTER_DATA
from triage.districts import District, Districts
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.errors import InvalidCityFileError
from triage.rulefile import load_city_rules, load_rules
from triage.rules import NO_RULES, ROUTING, Need
from triage.taxonomy import Category, Taxonomy, Topic

NAME = Bilingual("имя", "аты")
CITY = City(
    taxonomy=Taxonomy.of(
        [Category("roads", NAME), Category("school", NAME), Category("old", NAME)],
        [
            Topic("roads.pit", "roads", NAME, 24, ""),
            Topic("roads.snow", "roads", NAME, 24, ""),
            Topic("school.food", "school", NAME, 24, ""),
            Topic("old.gone", "old", NAME, 24, "", deprecated=True),
        ],
    ),
    enterprises=EnterpriseRegistry.of(
        [
            Enterprise("ROADS", "utility", NAME),
            Enterprise("EDU", "city_department", NAME),
            Enterprise("S1", "school", NAME, number="1"),
            Enterprise("CLOSED", "utility", NAME, active=False),
        ]
    ),
    districts=Districts.of([District("ESIL", NAME), District("ALMATY", NAME)]),
    streets=(),
)
HEAD = """\
banks:
  left: [ESIL]
  right: [ALMATY]
rules:
"""
ROADS = """\
  - name: roads
    category: roads
    to: ROADS
    reason: {ru: дороги, kk: жолдар}
"""
SCHOOLS = """\
  - name: schools
    topics: [school.food]
    to: EDU
    reason: {ru: школы, kk: мектептер}
"""
GOOD = HEAD + ROADS + SCHOOLS
LINE = 5
"""Where the first rule of `GOOD` stands."""


def read(tmp_path: Path, content: str | bytes) -> list[str]:
    """Return the problems of a file, none if it loads."""
    path = tmp_path / ROUTING
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        load_rules(path, CITY)
    except InvalidCityFileError as error:
        return error.problems
    return []


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_load_rules_good_file_gives_its_rules_in_order(tmp_path: Path) -> None:
    path = tmp_path / ROUTING
    path.write_text(GOOD, encoding="utf-8")
    book = load_rules(path, CITY)
    roads, schools = book.rules
    assert (roads.name, roads.line, roads.enterprise) == ("roads", 5, "ROADS")
    assert roads.topics == {"roads.pit", "roads.snow"}
    assert roads.reason == Bilingual(ru="дороги", kk="жолдар")
    assert (schools.name, schools.line) == ("schools", 9)
    assert book.bank_of == {"ESIL": "left", "ALMATY": "right"}


RULE_PROBLEMS = {
    "unknown key": (changed("to: ROADS", "to: ROADS\n    prio: 1"), "unknown key 'prio'"),
    "unknown category": (changed("category: roads", "category: rods"), "unknown category 'rods'"),
    "list of categories": (
        changed("category: roads", "category: [roads, school]"),
        "unknown category \"['roads', 'school']\"",
    ),
    "unknown topic": (
        changed("category: roads", "topics: [roads.pit, roads.snow, roads.x]"),
        "unknown topic 'roads.x'",
    ),
    "topics beside category": (
        changed("category: roads", "category: roads\n    topics: [roads.pit]"),
        "needs either topics or category",
    ),
    "unknown enterprise": (changed("to: ROADS", "to: ROADZ"), "unknown enterprise 'ROADZ'"),
    "closed enterprise": (changed("to: ROADS", "to: CLOSED"), "enterprise 'CLOSED' is closed"),
    "unknown enterprise of a bank": (
        changed("to: ROADS", "to_bank: {left: ROADS, right: NONE}"),
        "unknown enterprise 'NONE'",
    ),
    "closed enterprise of a bank": (
        changed("to: ROADS", "to_bank: {left: CLOSED}"),
        "enterprise 'CLOSED' is closed",
    ),
    "unknown bank": (
        changed("to: ROADS", "to_bank: {left: ROADS, north: ROADS}"),
        "unknown bank 'north': one of left, right",
    ),
    "banks without a mapping": (
        changed("to: ROADS", "to_bank: ROADS"),
        "`to_bank` must name an enterprise for each bank",
    ),
    "unknown type": (
        changed("to: ROADS", "type: [school, schol]\n    by: number"),
        "no enterprise of type 'schol'",
    ),
    "type without by": (changed("to: ROADS", "type: school"), "`type` and `by` go together"),
    "by without type": (
        changed("to: ROADS", "to: ROADS\n    by: number"),
        "`type` and `by` go together",
    ),
    "unknown by": (
        changed("to: ROADS", "type: school\n    by: street"),
        "by: unknown 'street': one of number, route, address, district, bank",
    ),
    "type by bank": (
        changed("to: ROADS", "type: school\n    by: bank"),
        "by: for banks write `to_bank`",
    ),
    "unknown ask": (
        changed("to: ROADS", "to: ROADS\n    ask: name"),
        "ask: unknown 'name': one of number, route, address, district, bank",
    ),
    "two targets": (
        changed("to: ROADS", "to: ROADS\n    type: school\n    by: number"),
        "needs exactly one of to, type, to_bank",
    ),
    "no target": (changed("    to: ROADS\n", ""), "needs exactly one of to, type, to_bank"),
    "empty target": (changed("to: ROADS", "to:"), "needs exactly one of to, type, to_bank"),
    "list of targets": (changed("to: ROADS", "to: [ROADS, EDU]"), "`to` names one enterprise"),
    "no reason in Kazakh": (changed(", kk: жолдар", ""), "needs a reason in ru and in kk"),
    "blank reason in Russian": (
        changed("ru: дороги", "ru: ' '"),
        "needs a reason in ru and in kk",
    ),
    "reason in no language": (
        changed("{ru: дороги, kk: жолдар}", "дороги"),
        "needs a reason in ru and in kk",
    ),
    "broken pattern": (
        changed("to: ROADS", "to: ROADS\n    words: [снег*, '|яма']"),
        "broken pattern '|яма'",
    ),
    "short pattern": (
        changed("to: ROADS", "to: ROADS\n    words: [д*]"),
        "'д*': write at least 3 letters before *",
    ),
    "bad first day": (
        changed("to: ROADS", "to: ROADS\n    since: winter"),
        "since: 'winter' is no day, write 2026-11-23",
    ),
    "time for a day": (
        changed("to: ROADS", "to: ROADS\n    since: 2026-11-23 10:00:00"),
        "since: datetime.datetime(2026, 11, 23, 10, 0) is no day, write 2026-11-23",
    ),
    "bad last day": (
        changed("to: ROADS", "to: ROADS\n    until: 2026"),
        "until: 2026 is no day, write 2026-11-23",
    ),
    "days the wrong way round": (
        changed("to: ROADS", "to: ROADS\n    since: 2026-11-02\n    until: 2026-11-01"),
        "can never fire: `until` is before `since`",
    ),
    "no name": (changed("- name: roads\n    category", "- category"), "needs a name"),
}


@pytest.mark.parametrize(("content", "message"), RULE_PROBLEMS.values(), ids=RULE_PROBLEMS)
def test_load_rules_problem_of_a_rule_is_told_with_the_rules_line(
    tmp_path: Path, content: str, message: str
) -> None:
    assert f"{ROUTING}:{LINE}: {message}" in read(tmp_path, content)


OTHER_PROBLEMS = {
    "name twice": (
        changed("name: schools", "name: roads"),
        "9: name 'roads' stands in line 5 too",
    ),
    "shadowed rule": (
        GOOD + ROADS.replace("name: roads", "name: later"),
        "13: can never fire: 'roads' in line 5 does",
    ),
    "topics neither": (
        changed("    topics: [school.food]\n", ""),
        "9: needs either topics or category",
    ),
    "topics empty": (changed("[school.food]", "[]"), "9: needs either topics or category"),
    "topic without a rule": (HEAD + ROADS, "1: topic 'school.food' has no rule"),
    "no rules": (HEAD, "1: no rules"),
    "rules that are no list": (HEAD.replace("rules:", "rules: 5"), "1: no rules"),
    "rule that is no mapping": (GOOD + "  - lift\n", "1: a rule must be a mapping, not 'lift'"),
    "unknown key of the file": (GOOD + "rule: []\n", "1: unknown key 'rule'"),
    "unknown district": (changed("[ESIL]", "[ESIL, MARS]"), "2: unknown district 'MARS'"),
    "district on both banks": (
        changed("[ALMATY]", "[ALMATY, ESIL]"),
        "2: district 'ESIL' stands on both banks",
    ),
    "unknown bank of districts": (
        changed("left: [ESIL]", "north: [ESIL]"),
        "2: unknown bank 'north': one of left, right",
    ),
    "banks that are no mapping": (
        changed("banks:\n  left: [ESIL]\n  right: [ALMATY]", "banks: [ESIL]"),
        "1: `banks` must name the districts of each bank",
    ),
    "key twice": (
        changed("to: ROADS", "to: ROADS\n    to: EDU"),
        "8: broken YAML: 'to' stands twice",
    ),
    "key that is no word": (
        changed("to: ROADS", "to: ROADS\n    ? [a]\n    : b"),
        "8: broken YAML: ['a'] is no name of a key",
    ),
    "broken YAML": (
        changed("to: ROADS", "to: [ROADS"),
        "8: broken YAML: expected ',' or ']', but got ':'",
    ),
    "file that is no mapping": ("- a\n- b\n", "1: `rules` and `banks` are expected"),
    "empty file": ("", "1: `rules` and `banks` are expected"),
}


@pytest.mark.parametrize(("content", "message"), OTHER_PROBLEMS.values(), ids=OTHER_PROBLEMS)
def test_load_rules_problem_of_the_file_is_told_with_its_line(
    tmp_path: Path, content: str, message: str
) -> None:
    assert f"{ROUTING}:{message}" in read(tmp_path, content)


def test_load_rules_not_utf8_is_told(tmp_path: Path) -> None:
    [problem] = read(tmp_path, GOOD.encode("cp1251"))
    assert problem.startswith(f"{ROUTING}: can't be read: ")


def test_load_rules_all_problems_are_told_at_once(tmp_path: Path) -> None:
    content = GOOD.replace("to: ROADS", "to: X").replace("to: EDU", "to: Y")
    assert read(tmp_path, content) == [
        "routing.yaml:5: unknown enterprise 'X'",
        "routing.yaml:9: unknown enterprise 'Y'",
    ]


def test_load_rules_rule_below_a_conditional_one_is_not_shadowed(tmp_path: Path) -> None:
    for bound in ("words: [снег*]", "since: 2026-11-01", "until: 2026-11-01"):
        first = ROADS.replace("name: roads", "name: first") + f"    {bound}\n"
        assert read(tmp_path, HEAD + first + ROADS + SCHOOLS) == []


def test_load_rules_rule_for_one_more_topic_is_not_shadowed(tmp_path: Path) -> None:
    first = ROADS.replace("name: roads", "name: first").replace(
        "category: roads", "topics: [roads.pit]"
    )
    assert read(tmp_path, HEAD + first + ROADS + SCHOOLS) == []


def test_load_rules_deprecated_topic_needs_no_rule_and_may_have_one(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD.replace("[school.food]", "[school.food, old.gone]")) == []


def test_load_rules_days_and_needs_are_kept(tmp_path: Path) -> None:
    path = tmp_path / ROUTING
    since, until = "since: 2026-11-01", "until: 2027-03-31"
    place = f"type: school\n    by: number\n    {since}\n    {until}\n    ask: number"
    content = HEAD + SCHOOLS.replace("to: EDU", place).replace("schools", "one") + ROADS + SCHOOLS
    path.write_text(content, encoding="utf-8")
    rule = load_rules(path, CITY).rules[0]
    assert (rule.since, rule.until) == (date(2026, 11, 1), date(2027, 3, 31))
    assert (rule.types, rule.need, rule.ask) == (("school",), Need.NUMBER, Need.NUMBER)
    assert rule.enterprise is None


def test_load_rules_shipped_file_has_a_rule_for_every_topic() -> None:
    city = load_city(STARTER_DATA)
    book = load_rules(STARTER_DATA / ROUTING, city)
    assert book.by_topic.keys() == city.taxonomy.topics.keys()
    assert book.bank_of.keys() == city.districts.by_code.keys()
    # Whatever the place, somebody is named.
    assert all(rules[-1].is_unconditional for rules in book.by_topic.values())


def test_load_rules_shipped_file_does_not_fit_a_city_without_its_enterprises() -> None:
    city = load_city(STARTER_DATA)
    fewer = {
        code: one for code, one in city.enterprises.enterprises.items() if code != "UTIL-GREEN"
    }
    with pytest.raises(InvalidCityFileError, match="unknown enterprise 'UTIL-GREEN'"):
        load_rules(STARTER_DATA / ROUTING, replace(city, enterprises=EnterpriseRegistry(fewer)))


def test_load_city_rules_folder_without_a_file_has_no_rules(tmp_path: Path) -> None:
    assert load_city_rules(tmp_path, CITY) is NO_RULES
    (tmp_path / ROUTING).write_text(GOOD, encoding="utf-8")
    assert [rule.name for rule in load_city_rules(tmp_path, CITY).rules] == ["roads", "schools"]


def test_load_city_rules_version_is_the_files(tmp_path: Path) -> None:
    shutil.copy(STARTER_DATA / ROUTING, tmp_path / ROUTING)
    city = load_city(STARTER_DATA)
    assert load_city_rules(tmp_path, city).version == load_city_rules(STARTER_DATA, city).version
