"""Schemathesis asks the real server for everything that the OpenAPI document says, and does not."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from results_page import RELIABILITY
from server_process import add_key, running_server, server_environment

COMMAND = "pytest -m soak tests/integration/test_schemathesis.py"
SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")

SHORT, FULL = 4, 200
"""Examples of each operation, beside those that are made once of every constraint."""

FREE = "positive_data_acceptance"
"""A schema can't say that a district must exist, or that a period ends after it begins."""

OPEN = ("ignored_auth", "missing_required_header", "negative_data_rejection")
"""Where requests without credentials have a role of their own, they are served."""

PATIENCE = 60
"""Seconds for one answer: the first that needs MLflow makes its database."""

COUNTS = re.compile(r"([\d,]+) generated, ([\d,]+) passed")


def ask(address: str, folder: Path, examples: int, *, phases: str, options: list[str]) -> str:
    """Run Schemathesis, which must find nothing; return what it says."""
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "run", f"{address}/openapi.json"),
            *("--max-examples", str(examples), "--phases", phases),
            *("--request-timeout", str(PATIENCE), "--generation-deterministic"),
            *("--no-color", "--continue-on-failure", "--warnings", "off"),
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases(said: str) -> int:
    """Return how many requests were made, all of which passed."""
    found = COUNTS.search(said)
    assert found is not None, said
    generated, passed = (int(number.replace(",", "")) for number in found.groups())
    assert generated == passed
    return generated


def run(
    tmp_path: Path, model_folder: Path, examples: int, phases: str, *, with_key: bool
) -> tuple[int, float]:
    """Ask a fresh server as an admin, or as nobody; return the requests and the seconds."""
    role = "none" if with_key else "intake"
    environment = server_environment(tmp_path, model=str(model_folder), anonymous_role=role)
    excluded = (FREE,) if with_key else (FREE, *OPEN)
    options = ["--exclude-checks", ",".join(excluded)]
    with running_server(environment, tmp_path / "server.log") as client:
        if with_key:
            options += ["-H", f"Authorization: {add_key(environment)['Authorization']}"]
        began = time.monotonic()
        said = ask(str(client.base_url), tmp_path, examples, phases=phases, options=options)
        seconds = time.monotonic() - began
    assert "Traceback" not in (tmp_path / "server.log").read_text()
    return cases(said), seconds


@pytest.mark.parametrize("with_key", [True, False], ids=["admin", "nobody"])
def test_schemathesis_finds_no_answer_that_is_not_documented(
    tmp_path: Path, model_folder: Path, with_key: bool
) -> None:
    requests, _ = run(tmp_path, model_folder, SHORT, "coverage,fuzzing", with_key=with_key)

    assert requests > 500


@pytest.mark.soak
@pytest.mark.parametrize("with_key", [True, False], ids=["admin", "nobody"])
def test_schemathesis_finds_nothing_with_many_more_examples(
    tmp_path: Path, model_folder: Path, with_key: bool
) -> None:
    phases = "examples,coverage,fuzzing,stateful"
    requests, seconds = run(tmp_path, model_folder, FULL, phases, with_key=with_key)

    RELIABILITY.record(
        "schemathesis",
        "as an admin" if with_key else "as nobody",
        {"requests": requests, "failures": 0, "seconds": round(seconds)},
        command=COMMAND,
        details={"phases": phases, "examples of each operation": FULL},
    )
