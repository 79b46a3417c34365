"""Reads routing.yaml: every problem with its line, all at once, and no rule left out silently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from triage.appeal import Bilingual
from triage.citydata import City, settled
from triage.errors import InvalidCityFileError
from triage.rules import NO_RULES, ROUTING, Need, Rule, RuleBook, file_version
from triage.wordpatterns import WordPatterns, pattern_problem

BANKS = ("left", "right")
KEYS = frozenset(
    {"name", "topics", "category", "words", "to", "type", "by", "to_bank"}
    | {"ask", "since", "until", "reason"}
)
TARGETS = ("to", "type", "to_bank")
_LINE = "__line__"


class _Loader(yaml.SafeLoader):
    """Keeps the line of every mapping, and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"{key!r} is no name of a key", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"{key!r} stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        mapping[_LINE] = node.start_mark.line + 1
        return mapping


@dataclass
class _Problems:
    file: str
    found: list[str] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        self.found.append(f"{self.file}:{line}: {message}")


def load_rules(path: Path, city: City) -> RuleBook:
    """Read a city's rules and check them against its taxonomy and enterprise registry.

    Raises
    ------
    InvalidCityFileError
        Broken YAML, an unknown key, topic, type or enterprise, a rule that can never fire, a
        topic without any rule: each with its line.
    """
    problems = _Problems(path.name)
    content = _parse(path, problems)
    bank_of = _banks(content.get("banks") or {}, city, problems)
    entries = content.get("rules")
    if not isinstance(entries, list) or not entries:
        problems.add(1, "no rules")
        entries = []
    rules = [_rule(entry, city, problems) for entry in entries]
    _check_together(rules, city, problems)
    if problems.found:
        raise InvalidCityFileError(problems.found)
    return RuleBook.of(tuple(rules), bank_of, file_version(path))


def load_city_rules(folder: Path, city: City) -> RuleBook:
    """Read the rules in a city's folder; a city without any is routed by history alone.

    Raises
    ------
    InvalidCityFileError
    """
    path = settled(folder.resolve()) / ROUTING
    return load_rules(path, city) if path.is_file() else NO_RULES


def _parse(path: Path, problems: _Problems) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidCityFileError([f"{path.name}:{line}: broken YAML: {error.problem}"]) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InvalidCityFileError([f"{path.name}: can't be read: {error}"]) from error
    if not isinstance(content, dict):
        raise InvalidCityFileError([f"{path.name}:1: `rules` and `banks` are expected"])
    for key in sorted(content.keys() - {"banks", "rules", _LINE}):
        problems.add(1, f"unknown key {key!r}")
    return content


def _banks(content: Any, city: City, problems: _Problems) -> dict[str, str]:
    if not isinstance(content, dict):
        problems.add(1, "`banks` must name the districts of each bank")
        return {}
    line = content.pop(_LINE, 1)
    bank_of: dict[str, str] = {}
    for bank, districts in content.items():
        if bank not in BANKS:
            problems.add(line, f"unknown bank {bank!r}: one of {', '.join(BANKS)}")
        for district in _strings(districts):
            if city.districts.get(district) is None:
                problems.add(line, f"unknown district {district!r}")
            if bank_of.setdefault(district, bank) != bank:
                problems.add(line, f"district {district!r} stands on both banks")
    return bank_of


def _rule(entry: Any, city: City, problems: _Problems) -> Rule:
    if not isinstance(entry, dict):
        problems.add(1, f"a rule must be a mapping, not {entry!r}")
        entry = {_LINE: 1}
    line: int = entry[_LINE]
    report: Callable[[str], None] = lambda message: problems.add(line, message)  # noqa: E731
    for key in sorted(entry.keys() - KEYS - {_LINE}):
        report(f"unknown key {key!r}")
    _check_target(entry, report)
    banks = {key: value for key, value in _mapping(entry, "to_bank").items() if key != _LINE}
    _check_enterprises([*_strings(entry.get("to")), *map(str, banks.values())], city, report)
    types = tuple(_strings(entry.get("type")))
    known_types = {enterprise.type for enterprise in city.enterprises.enterprises.values()}
    for unknown in sorted(set(types) - known_types):
        report(f"no enterprise of type {unknown!r}")
    for bank in sorted(banks.keys() - set(BANKS)):
        report(f"unknown bank {bank!r}: one of {', '.join(BANKS)}")
    since, until = _day(entry, "since", report), _day(entry, "until", report)
    if since and until and since > until:
        report("can never fire: `until` is before `since`")
    return Rule(
        name=str(entry.get("name") or ""),
        line=line,
        topics=_topics(entry, city, report),
        reason=_reason(_mapping(entry, "reason"), report),
        words=_words(entry, report),
        enterprise=_text(entry.get("to")),
        types=types,
        need=Need.BANK if banks else _need(entry, "by", report),
        banks=banks,
        ask=_need(entry, "ask", report),
        since=since,
        until=until,
    )


def _check_target(entry: Mapping[str, Any], report: Callable[[str], None]) -> None:
    if sum(bool(entry.get(key)) for key in TARGETS) != 1:
        report(f"needs exactly one of {', '.join(TARGETS)}")
    if ("type" in entry) != ("by" in entry):
        report("`type` and `by` go together")
    if isinstance(entry.get("to"), list | dict):
        report("`to` names one enterprise")
    if "to_bank" in entry and not isinstance(entry["to_bank"], dict):
        report("`to_bank` must name an enterprise for each bank")
    if entry.get("by") == Need.BANK:
        report("by: for banks write `to_bank`")


def _topics(entry: Mapping[str, Any], city: City, report: Callable[[str], None]) -> frozenset[str]:
    if bool(entry.get("topics")) == bool(entry.get("category")):
        report("needs either topics or category")
    category = _text(entry.get("category"))
    if category is not None:
        if category not in city.taxonomy.categories:
            report(f"unknown category {category!r}")
            return frozenset()
        return frozenset(topic.code for topic in city.taxonomy.topics_of(category))
    topics = frozenset(_strings(entry.get("topics")))
    for topic in sorted(topics - city.taxonomy.topics.keys()):
        report(f"unknown topic {topic!r}")
    return topics


def _check_enterprises(codes: Iterable[str], city: City, report: Callable[[str], None]) -> None:
    for code in codes:
        enterprise = city.enterprises.get(code)
        if enterprise is None:
            report(f"unknown enterprise {code!r}")
        elif not enterprise.active:
            report(f"enterprise {code!r} is closed")


def _words(entry: Mapping[str, Any], report: Callable[[str], None]) -> WordPatterns | None:
    patterns = _strings(entry.get("words"))
    problems = [problem for pattern in patterns if (problem := pattern_problem(pattern))]
    for problem in problems:
        report(problem)
    return WordPatterns.of([] if problems else patterns) if patterns else None


def _reason(content: Mapping[str, Any], report: Callable[[str], None]) -> Bilingual:
    ru, kk = (str(content.get(language) or "").strip() for language in ("ru", "kk"))
    if not ru or not kk:
        report("needs a reason in ru and in kk")
    return Bilingual(ru=ru, kk=kk)


def _need(entry: Mapping[str, Any], key: str, report: Callable[[str], None]) -> Need | None:
    if key not in entry:
        return None
    try:
        return Need(entry[key])
    except ValueError:
        report(f"{key}: unknown {entry[key]!r}: one of {', '.join(Need)}")
        return None


def _day(entry: Mapping[str, Any], key: str, report: Callable[[str], None]) -> date | None:
    day = entry.get(key)
    # A datetime is a date to Python, yet can't be compared with one.
    if day is not None and type(day) is not date:
        report(f"{key}: {day!r} is no day, write 2026-11-23")
        return None
    return day


def _check_together(rules: list[Rule], city: City, problems: _Problems) -> None:
    """Look for names that stand twice, rules in the shadow of others, topics without any."""
    lines: dict[str, int] = {}
    decided: dict[str, Rule] = {}
    for rule in rules:
        if not rule.name:
            problems.add(rule.line, "needs a name")
        elif lines.setdefault(rule.name, rule.line) != rule.line:
            problems.add(rule.line, f"name {rule.name!r} stands in line {lines[rule.name]} too")
        if rule.topics and rule.topics <= decided.keys():
            earlier = decided[min(rule.topics)]
            problems.add(rule.line, f"can never fire: {earlier.name!r} in line {earlier.line} does")
        if rule.is_unconditional:
            decided = dict.fromkeys(rule.topics, rule) | decided
    ruled = {topic for rule in rules for topic in rule.topics}
    offered = {topic.code for topic in city.taxonomy.topics.values() if not topic.deprecated}
    for topic in sorted(offered - ruled):
        problems.add(1, f"topic {topic!r} has no rule")


def _mapping(entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _strings(value: Any) -> list[str]:
    """Return a string or a list of them as a list."""
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
