"""Two workers on one port and one database."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from server_process import TRIAGE, Server, add_key, running_server, server_environment

from api.workers import SILENT_SECONDS

TEXT = "Во дворе третий день не убирают снег, коляску не провезти"
N_REQUESTS, N_SENDERS, N_APPEALS = 60, 8, 30
SECONDS = 30


def classify(url: str, number: int) -> httpx.Response:
    # A connection of its own for each, so that either worker may take it.
    body = {"text": TEXT, "appeal_id": f"109-{number % N_APPEALS}"}
    return httpx.post(f"{url}/classify", json=body, timeout=SECONDS)


def counted(url: str) -> float:
    found = httpx.get(f"{url}/metrics", timeout=SECONDS).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(found)
        for sample in family.samples
        if sample.name == "triage_http_requests_total" and sample.labels["route"] == "/classify"
    )


def workers(log: Path) -> set[int]:
    """Return the processes that have a log open, the youngest of each server: its workers."""
    found = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes()
            if b"spawn_main" in words and (folder / "fd" / "2").resolve() == log.resolve():
                found.add(int(folder.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def until(is_so: object, seconds: float = SECONDS) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {is_so}")


def test_two_workers_answer_on_one_port_and_keep_one_ledger(
    store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    environment = server_environment(
        tmp_path, database_url=store_url, model=str(model_folder), workers="2"
    )
    log = tmp_path / "server.log"
    with running_server(environment, log) as client, ThreadPoolExecutor(N_SENDERS) as pool:
        url = str(client.base_url)
        for _ in until("ready"):
            if "ready: " in log.read_text():
                break
        answers = list(pool.map(lambda number: classify(url, number), range(N_REQUESTS)))
        assert {answer.status_code for answer in answers} == {200}
        decisions = {answer.json()["decision_id"] for answer in answers}
        assert len(decisions) == N_APPEALS
        assert counted(url) == N_REQUESTS

        before = workers(log)
        assert len(before) == 2
        # It dies while its parent waits for it to answer.
        os.kill(min(before), signal.SIGSTOP)
        time.sleep(2)
        os.kill(min(before), signal.SIGKILL)
        for _ in until("replaced", SILENT_SECONDS / 2):
            if len(workers(log) - before) == 1:
                break
        again = [classify(url, number).json()["decision_id"] for number in range(3)]
        assert set(again) <= decisions
        assert counted(url) == N_REQUESTS + len(again)
        listed = client.get("/decisions?limit=100", headers=add_key(environment)).json()["items"]
        assert len(listed) == N_APPEALS

    done = subprocess.run(
        [TRIAGE, "audit", "verify"], env=environment, check=True, capture_output=True, text=True
    )
    # The admin, the link, a model loaded in each of three workers, the decisions, the key.
    assert f"{2 + 3 + N_APPEALS + 1} entries" in done.stdout + done.stderr
    assert log.read_text().count("sign in as admin, once: ") == 1
    assert TEXT not in log.read_text()
    assert not workers(log)


def test_workers_do_not_outlive_their_parent(
    sqlite_environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    server = Server(sqlite_environment, log)
    server.start()
    server.wait_until_ready()
    assert workers(log)
    server.kill()
    for _ in until("ended"):
        if not workers(log):
            break


@pytest.mark.parametrize(("setting", "value"), [("data_dir", "/nowhere"), ("secret", "short")])
def test_workers_that_cannot_start_stop_the_service_and_say_why(
    sqlite_environment: dict[str, str], setting: str, value: str
) -> None:
    done = subprocess.run(
        [TRIAGE, "serve", "--port", "0"],
        env=sqlite_environment | {f"TRIAGE_{setting.upper()}": value},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def sqlite_environment(model_folder: Path, tmp_path: Path) -> dict[str, str]:
    environment = server_environment(tmp_path, model=str(model_folder), workers="2")
    return environment | {"TMPDIR": str(tmp_path)}  # a server that is killed clears nothing up
