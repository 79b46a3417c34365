"""What can be told of docs/deploy and docs/operations.md without a container engine."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from fastapi.testclient import TestClient

from api import cli, cli_settings
from api.cli_settings import markdown_table, updated
from training import cli as training_cli
from training import spark
from triage.config import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
OPERATIONS = ROOT / "docs" / "operations.md"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "appeal-triage.json"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (*(one for one in DEPLOY.rglob("*") if one.is_file()), OPERATIONS)
}
VARIABLES = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
COMMANDS = {"triage": cli.app, "triage-train": training_cli.app, "triage-spark": spark.app}

# Of the Compose specification, what these files use.
TOP_LEVEL = {"name", "services", "networks", "volumes"}
SERVICE = {
    *("image", "build", "command", "environment", "networks", "ports", "volumes", "depends_on"),
    *("healthcheck", "restart", "read_only", "tmpfs", "cap_drop", "security_opt", "logging"),
    *("deploy", "shm_size", "stop_grace_period"),
}
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period", "disable"}
CONDITIONS = {"service_healthy", "service_started", "service_completed_successfully"}
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?")
METRIC = re.compile(r"\btriage_[a-z_]+\b")


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words of our own commands in blocks of code, or in a list of words."""
    for block in re.findall(r"```\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            starts = [at for at, word in enumerate(words) if word.rpartition("/")[2] in COMMANDS]
            if starts:
                yield words[starts[0] :]


def _check_command(words: list[str]) -> None:
    """Check that a command of ours is there, with the options that are given to it."""
    command: Any = typer.main.get_command(COMMANDS[words[0].rpartition("/")[2]])
    rest = words[1:]
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, words
        command = command.commands[rest.pop(0)]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    given = {word.partition("=")[0] for word in rest if word.startswith("--")}
    assert given <= known, words


def test_compose_has_what_the_specification_knows() -> None:
    assert {name for name in COMPOSE if not name.startswith("x-")} == TOP_LEVEL
    for name, service in SERVICES.items():
        assert service.keys() <= SERVICE, name
        assert service["healthcheck"].keys() <= HEALTHCHECK
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        for needed, how in service.get("depends_on", {}).items():
            assert needed in SERVICES
            assert how["condition"] in CONDITIONS
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[needed]["healthcheck"]
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = (DEPLOY / source).exists() if source[0] == "." else source in COMPOSE["volumes"]
            assert known, volume


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_compose_service_is_pinned_limited_and_watched(name: str) -> None:
    service = SERVICES[name]

    assert PINNED.fullmatch(service["image"])
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[MG]", limits["memory"])
    assert "test" in service["healthcheck"] or service["healthcheck"] == {"disable": True}
    assert "no-new-privileges:true" in service["security_opt"]
    assert "inside" in service["networks"]
    if name != "postgres":  # whose image changes its user by itself
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_compose_publishes_the_api_and_grafana_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"api": ["127.0.0.1:8109:8109"], "grafana": ["127.0.0.1:3000:3000"]}
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_compose_has_no_default_secret() -> None:
    text = TEXTS["docs/deploy/compose.yaml"]
    example = TEXTS["docs/deploy/compose.example.env"]
    asked = dict.fromkeys(re.findall(r"\$\{(\w+):\?\}", text))

    assert asked.keys() == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    for name in re.findall(r"\$\{(\w+)", text):
        if re.search("PASSWORD|SECRET|USER", name):
            assert f"${{{name}:?}}" in text
            assert not re.search(rf"\${{{name}(?!:\?}})", text), name


def test_deployment_names_no_variable_that_does_not_exist() -> None:
    found = {
        (path, variable)
        for path, text in TEXTS.items()
        for variable in re.findall(rf"\b{PREFIX}[A-Z_]+\b", text)
    }

    assert {variable for _, variable in found} == VARIABLES
    assert not {one for one in found if one[1] not in VARIABLES}


def test_environment_example_and_table_have_every_variable() -> None:
    example = TEXTS["docs/deploy/environment.example"]

    assert set(re.findall(r"^#(\w+)=", example, re.MULTILINE)) == VARIABLES | {
        "MLFLOW_TRACKING_URI"
    }
    # Brought up to date by: triage settings --update docs/operations.md
    assert updated(TEXTS["docs/operations.md"]) == TEXTS["docs/operations.md"]
    assert all(f"`{name}`" in markdown_table() for name in VARIABLES)
    assert "/data" not in markdown_table()  # a folder of the machine it was made on


def test_settings_update_changes_the_table_alone(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    old = f"before\n{cli_settings.BEGIN}\n| stale |\n{cli_settings.END}\nafter\n"
    document.write_text(old, "utf-8")

    cli_settings.settings(update=document)

    text = document.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert markdown_table() in text
    assert "stale" not in text


def test_containerfile_copies_what_is_there_and_runs_as_nobody_special() -> None:
    text = TEXTS["docs/deploy/Containerfile"]
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]

    assert {"models", "triage", "api", "training", "requirements.lock"} <= set(copied)
    assert all((ROOT / source).exists() for source in copied)
    let_through = set(
        re.findall(r"^!(\S+)$", TEXTS["docs/deploy/Containerfile.dockerignore"], re.M)
    )
    assert set(copied) <= let_through
    assert all(PINNED.fullmatch(image) for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["triage"]
    assert "torch" not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    assert "torch" not in (ROOT / "requirements.lock").read_text("utf-8")
    _check_command(json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[0]))


def test_deployment_commands_are_there() -> None:
    in_compose = [service["command"] for service in SERVICES.values() if "command" in service]
    ours = [words for words in in_compose if words[0] in COMMANDS]
    unit = re.findall(r"^Exec\w+=(.*)$", TEXTS["docs/deploy/appeal-triage.service"], re.MULTILINE)
    told = list(_commands(TEXTS["docs/operations.md"]))

    assert len(ours) == len(unit) == 2
    assert len(told) >= 8
    for words in (*ours, *map(shlex.split, unit), *told):
        _check_command(words)


def test_health_checks_ask_routes_that_are_there(shared_client: TestClient) -> None:
    asked = [
        *re.findall(r"127\.0\.0\.1:8109(/\w+)", TEXTS["docs/deploy/Containerfile"]),
        *re.findall(r"127\.0\.0\.1:8109(/\w+)", TEXTS["docs/deploy/compose.yaml"]),
        yaml.safe_load(TEXTS["docs/deploy/prometheus.yml"])["scrape_configs"][0]["metrics_path"],
    ]

    assert len(asked) == 3
    del shared_client.headers["Authorization"]  # as those that ask have none
    assert {shared_client.get(path).status_code for path in asked} == {200}


def test_dashboard_alerts_and_page_name_metrics_that_are_exposed(shared_client: TestClient) -> None:
    shared_client.app.state.backend.health.refresh()  # type: ignore[attr-defined]  # typed as a bare ASGI app
    exposed = re.findall(r"^# TYPE (\w+) (\w+)", shared_client.get("/metrics").text, re.MULTILINE)
    parts = {"histogram": ("", "_bucket", "_sum", "_count")}
    names = {f"{name}{end}" for name, kind in exposed for end in parts.get(kind, ("",))}
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    alerts = yaml.safe_load(TEXTS["docs/deploy/alerts.yml"])["groups"]
    page = TEXTS["docs/operations.md"].partition("<!-- metrics -->")[2].partition("<!-- /")[0]
    drawn = [one["expr"] for panel in dashboard["panels"] for one in panel.get("targets", [])]
    watched = [rule["expr"] for group in alerts for rule in group["rules"]]

    used = set(METRIC.findall(" ".join((*drawn, *watched))))
    assert len(drawn) > 20
    assert used <= names
    listed = set(METRIC.findall(page))
    assert listed <= names
    created = {name for name, _ in exposed if name.startswith("triage_")}
    assert {name for name in created if not name.endswith("_created")} == listed


def test_dashboard_panels_lie_apart_and_use_the_provisioned_source() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    folder = DEPLOY / "grafana" / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text("utf-8"))[
        "datasources"
    ]
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
    for panel in dashboard["panels"]:
        assert panel["type"] == "row" or panel["datasource"]["uid"] == source["uid"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in SERVICES


def test_alerts_say_how_bad_and_what() -> None:
    groups = yaml.safe_load(TEXTS["docs/deploy/alerts.yml"])["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[mh]", rule["for"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = TEXTS["docs/deploy/appeal-triage.service"]
    unit = tmp_path / "appeal-triage.service"
    # A program that is there: where ours is installed is up to the machine.
    unit.write_text(text.replace("/opt/appeal-triage/bin/triage", sys.executable), "utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        check=False,
        capture_output=True,
        text=True,
    )

    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, told) == (0, [])
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "DynamicUser=yes",
        "Restart=always",
    ):
        assert line in text.splitlines()
