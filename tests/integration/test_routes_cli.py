from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from api_checks import BUS, KK
from typer.testing import CliRunner, Result

from api.bootstrap import build_service
from api.cli import app
from models import folder
from models.registry import LoadedModel
from training.cli import app as training_app
from triage.appeal import Appeal
from triage.audit import verify
from triage.config import STARTER_DATA, Settings
from triage.store.sessions import make_engine, make_sessions, prepare_store

Run = Callable[..., Result]

HEAT_RULE = """\
  - name: heat
    category: heating
    to: UTIL-HEAT
"""
"""As the starter city has it; the tests send heat elsewhere."""


@pytest.fixture
def triage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_folder: Path) -> Run:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TRIAGE_{name.upper()}", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRIAGE_MODEL", str(model_folder))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def changed_rules(tmp_path: Path) -> Path:
    """Rules under which heat is another's, and a missing route is not asked for any more."""
    rules = (STARTER_DATA / "routing.yaml").read_text(encoding="utf-8")
    assert rules.count(HEAT_RULE) == 1
    rules = rules.replace(HEAT_RULE, HEAT_RULE.replace("UTIL-HEAT", "UTIL-WATER"))
    rules, count = re.subn(r"    ask: route\n", "", rules)
    assert count > 0
    path = tmp_path / "proposed.yaml"
    path.write_text(rules, encoding="utf-8")
    return path


@pytest.fixture
def decided(triage: Run) -> dict[str, str]:
    """Ids of stored decisions, two of which the changed rules move."""
    settings = Settings()
    engine = make_engine(settings.store_url)
    prepare_store(engine)
    service = build_service(settings, engine)
    service.use(LoadedModel(folder.load(Path(settings.model)), "small", "1"))
    texts = {"heat": KK, "bus": BUS["kk"], "lift": "у нас в доме лифт не работает"}
    ids = {name: service.submit(Appeal(text=text), actor="test").id for name, text in texts.items()}
    engine.dispose()
    return ids


def _count_ledger() -> int:
    settings = Settings()
    engine = make_engine(settings.store_url)
    with make_sessions(engine).read.begin() as session:
        count = verify(session, city=settings.city)
    engine.dispose()
    return count


def _city(path: Path) -> Path:
    path.mkdir()
    for file in (*STARTER_DATA.glob("*.csv"), STARTER_DATA / "routing.yaml"):
        shutil.copyfile(file, path / file.name)
    return path


def _break(rules: Path) -> None:
    content = rules.read_text(encoding="utf-8")
    content = content.replace("to: UTIL-HEAT", "to: UTIL-NONE", 1)
    rules.write_text(content.replace("category: heating", "category: cold", 1), encoding="utf-8")


def test_routes_check_good_file_says_how_many_rules_it_has(triage: Run) -> None:
    result = triage("routes", "check", STARTER_DATA / "routing.yaml")

    assert (result.exit_code, result.stdout) == (0, "")
    count = (STARTER_DATA / "routing.yaml").read_text(encoding="utf-8").count("\n  - name: ")
    assert result.stderr == f"no problems: {count} rules\n"


def test_routes_check_tells_every_problem_with_its_line(triage: Run, changed_rules: Path) -> None:
    _break(changed_rules)
    lines = changed_rules.read_text(encoding="utf-8").splitlines()

    result = triage("routes", "check", changed_rules)

    assert result.exit_code == 1
    told = result.stdout.splitlines()
    assert any("unknown category 'cold'" in line for line in told)
    [unruled] = [line for line in told if "topic 'heating.outage' has no rule" in line]
    assert unruled.startswith("proposed.yaml:")
    [unknown] = [line for line in told if "unknown category" in line]
    assert "name: heat" in lines[int(unknown.split(":")[1]) - 1]


@pytest.mark.parametrize("content", [b"rules: [", b"\xff", b"- 1\n", b""])
def test_routes_check_what_is_no_rules_file_is_told_in_a_line(
    triage: Run, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)

    result = triage("routes", "check", path)

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stdout.startswith("rules.yaml")


def test_routes_check_goes_by_the_city_that_is_configured(
    triage: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = _city(tmp_path / "city")
    table = city / "enterprises.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(one for one in lines if "UTIL-VET" not in one), encoding="utf-8")
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(city))

    result = triage("routes", "check", STARTER_DATA / "routing.yaml")

    assert result.exit_code == 1
    assert "unknown enterprise 'UTIL-VET'" in result.stdout


def test_routes_diff_same_rules_move_nobody(triage: Run, decided: dict[str, str]) -> None:
    result = triage("routes", "diff", STARTER_DATA / "routing.yaml", "--since", "2026-01-01")

    assert result.exit_code == 0
    assert not any(one in result.stdout for one in decided.values())
    assert result.stdout.splitlines()[-1].split() == ["0", "in", "all"]
    assert result.stderr == "replaying: 3 done\n"


def test_routes_diff_lists_who_would_move_and_stores_nothing(
    triage: Run, decided: dict[str, str], changed_rules: Path, tmp_path: Path
) -> None:
    before = _count_ledger()
    output = tmp_path / "moves.jsonl"

    result = triage("routes", "diff", changed_rules, "--since", "2026-01-01", "--json", output)

    assert result.exit_code == 0, result.output
    heat, bus = (
        next(line for line in result.stdout.splitlines() if line.startswith(decided[name]))
        for name in ("heat", "bus")
    )
    assert "UTIL-HEAT (heat) -> UTIL-WATER (heat)" in heat
    assert bus.endswith("ask -> auto")
    assert decided["lift"] not in result.stdout
    totals = [line.split() for line in result.stdout.splitlines()[-3:]]
    assert ["1", "UTIL-HEAT", "->", "UTIL-WATER"] in totals
    assert totals[-1] == ["2", "in", "all"]
    moves = {move["decision_id"]: move for move in map(json.loads, output.read_text().splitlines())}
    assert moves.keys() == {decided["heat"], decided["bus"]}
    move = moves[decided["heat"]]
    assert move["from"] == {"enterprise": "UTIL-HEAT", "rule": "heat", "action": "auto"}
    assert move["to"] == {"enterprise": "UTIL-WATER", "rule": "heat", "action": "auto"}
    assert (move["changes_enterprise"], move["changes_action"]) == (True, False)
    assert moves[decided["bus"]]["changes_action"]
    assert _count_ledger() == before


def test_routes_diff_json_to_standard_output_is_json_alone(
    triage: Run, decided: dict[str, str], changed_rules: Path
) -> None:
    result = triage("routes", "diff", changed_rules, "--since", "2026-01-01", "--json", "-")

    found = {json.loads(line)["decision_id"] for line in result.stdout.splitlines()}
    assert found == {decided["heat"], decided["bus"]}
    assert "UTIL-HEAT (heat) -> UTIL-WATER (heat)" in result.stderr


def test_routes_diff_earlier_decisions_are_left_out(
    triage: Run, decided: dict[str, str], changed_rules: Path
) -> None:
    assert decided
    result = triage("routes", "diff", changed_rules, "--since", "2199-01-01")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == ["       0  in all"]


def test_routes_diff_rule_that_is_not_in_force_on_the_day_moves_nobody(
    triage: Run, decided: dict[str, str], tmp_path: Path
) -> None:
    rules = (STARTER_DATA / "routing.yaml").read_text(encoding="utf-8")
    later = HEAT_RULE.replace("heat\n", "heat-later\n", 1).replace("UTIL-HEAT", "UTIL-WATER")
    reason = "    since: 2199-01-01\n    reason: {ru: позже, kk: кейін}\n\n"
    path = tmp_path / "later.yaml"
    path.write_text(rules.replace(HEAT_RULE, later + reason + HEAT_RULE), encoding="utf-8")

    result = triage("routes", "diff", path, "--since", "2026-01-01")

    assert result.exit_code == 0, result.output
    assert decided["heat"] not in result.stdout


def test_routes_diff_more_decisions_than_a_page_are_each_replayed_once(
    triage: Run, changed_rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.service.BATCH", 2)
    settings = Settings()
    engine = make_engine(settings.store_url)
    prepare_store(engine)
    service = build_service(settings, engine)
    service.use(LoadedModel(folder.load(Path(settings.model)), "small", "1"))
    ids = [service.submit(Appeal(text=KK), actor="test").id for _ in range(5)]
    engine.dispose()

    result = triage("routes", "diff", changed_rules, "--since", "2026-01-01")

    rows = [line.split()[0] for line in result.stdout.splitlines()[1:6]]
    assert rows == ids[::-1]
    assert result.stderr == "replaying: 5 done\n"


@pytest.mark.parametrize("missing", ["store", "model", "rules"])
def test_routes_diff_without_what_it_needs_is_told_in_a_line(
    triage: Run, changed_rules: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing != "store":
        triage("migrate")
    if missing == "model":
        monkeypatch.setenv("TRIAGE_MODEL", str(changed_rules.parent / "none"))
    rules = changed_rules.with_name("none.yaml") if missing == "rules" else changed_rules

    result = triage("routes", "diff", rules, "--since", "2026-01-01")

    assert (result.exit_code, result.stdout) == (1, "")
    assert isinstance(result.exception, SystemExit)
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")


def test_data_check_and_install_take_the_rules_as_part_of_the_city(
    triage: Run, tmp_path: Path
) -> None:
    city, installed = _city(tmp_path / "city"), tmp_path / "installed"
    assert triage("data", "check", city).exit_code == 0
    assert triage("data", "install", city, installed).exit_code == 0
    before = {path.name: path.read_bytes() for path in installed.iterdir()}
    assert "routing.yaml" in before

    _break(city / "routing.yaml")
    checked, refused = triage("data", "check", city), triage("data", "install", city, installed)

    assert (checked.exit_code, refused.exit_code) == (1, 1)
    assert re.search(r"(?m)^routing.yaml:\d+: unknown category 'cold'$", checked.stdout)
    assert "unknown category 'cold'" in refused.stderr
    assert {path.name: path.read_bytes() for path in installed.iterdir()} == before


def test_data_check_broken_table_is_told_once_and_without_the_rules(
    triage: Run, tmp_path: Path
) -> None:
    city = _city(tmp_path / "city")
    with (city / "districts.csv").open("a", encoding="utf-8") as file:
        file.write("ESIL,Есиль,Есіл\n")

    told = triage("data", "check", city).stdout.splitlines()

    assert len(told) == len(set(told)) > 0
    assert not any(line.startswith("routing.yaml") for line in told)


COMMANDS: list[list[str]] = [
    ["serve"],
    ["classify", "снег"],
    ["migrate"],
    ["audit", "verify"],
    ["routes", "check", "rules.yaml"],
    ["routes", "diff", "rules.yaml", "--since", "2026-01-01"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_impossible_setting_is_told_in_a_line(
    triage: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("TRIAGE_PORT", "abc")

    result = triage(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert isinstance(result.exception, SystemExit)
    [line] = result.stderr.splitlines()
    assert line.startswith("error: TRIAGE_PORT: ")
    assert "abc" not in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "--data", "a.csv"],
        ["starter"],
        ["evaluate", "--data", "a.csv", "--model", "m"],
        ["distil", "--teacher", "t", "--text", "a.txt", "--out", "o"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_impossible_settings_are_all_told_in_training_too(
    triage: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    del triage  # has cleared the environment
    monkeypatch.setenv("TRIAGE_PORT", "70000")
    monkeypatch.setenv("TRIAGE_CONFIDENCE", "2")

    result = CliRunner().invoke(training_app, arguments)

    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert re.fullmatch(r"error: TRIAGE_PORT: .*; TRIAGE_CONFIDENCE: .*", line)
