from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

APPEALS = {
    "ru": "Во дворе третий день не убирают снег, коляску не провезти",
    "kk": "Пәтерде екі күннен бері жылу жоқ, батареялар мұздай",
    "mixed": "Добрый день, біздің подъезде лифт жұмыс істемейді, третий день уже, когда исправите?",
}
START_SECONDS = 60

TRIAGE = str(Path(sys.executable).parent / "triage")

WITHOUT_TORCH = """
import sys
from fastapi.testclient import TestClient
from api.app import create_app_from_environment
with TestClient(create_app_from_environment()) as client:
    assert client.post("/classify", json={"text": "нет воды"}).status_code == 200
    assert client.get("/").status_code == 200
assert "torch" not in sys.modules
assert "transformers" not in sys.modules
"""


def _environment(home: Path, store_url: str, model: Path) -> dict[str, str]:
    return os.environ | {
        "TRIAGE_HOME": str(home),
        "TRIAGE_DATABASE_URL": store_url,
        "TRIAGE_MODEL": str(model),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _server(environment: dict[str, str], log: Path) -> Iterator[httpx.Client]:
    """Run the server until the block ends, then stop it as a service manager would."""
    port = _free_port()
    command = [TRIAGE, "serve", "--port", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _wait_until_ready(client, process, log)
            yield client
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"not ready after {START_SECONDS} s: {log.read_text()}")


def test_server_keeps_decisions_and_reviews_over_a_restart(
    store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    environment = _environment(tmp_path, store_url, model_folder)
    log = tmp_path / "server.log"
    with _server(environment, log) as client:
        answers = {
            language: client.post(
                "/classify", json={"text": text, "appeal_id": language, "channel": "web"}
            ).json()
            for language, text in APPEALS.items()
        }
        decision_id = answers["ru"]["decision_id"]
        reviewed = client.post(
            f"/decisions/{decision_id}/review",
            json={
                "verdict": "override",
                "reviewer": "aigerim",
                "enterprise": "UTIL-VET",
                "reason": "проверка",
            },
        ).json()

    with _server(environment, log) as client:
        for language, answer in answers.items():
            stored = client.get(f"/decisions/{answer['decision_id']}").json()
            assert stored.items() >= answer.items()
            assert stored["language"] == language
            assert stored["text"] == APPEALS[language]
        assert client.get(f"/decisions/{decision_id}").json() == reviewed
        assert reviewed["reviews"][0]["enterprise"]["code"] == "UTIL-VET"
        again = client.post(
            "/classify", json={"text": APPEALS["kk"], "appeal_id": "kk", "channel": "web"}
        )
        assert again.json() == answers["kk"]

    verified = subprocess.run(
        [TRIAGE, "audit", "verify"], env=environment, check=True, capture_output=True, text=True
    )
    n_events = 2 + 3 + 1  # model loaded twice, three decisions, one review
    assert f"{n_events} entries" in verified.stdout + verified.stderr
    assert "ready: http://127.0.0.1:" in log.read_text()
    assert not any(text in log.read_text() for text in APPEALS.values())


def test_server_same_appeal_sent_at_once_is_decided_once(
    store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    environment = _environment(tmp_path, store_url, model_folder)
    body = {"text": APPEALS["kk"], "appeal_id": "109-1"}
    with (
        _server(environment, tmp_path / "server.log") as client,
        ThreadPoolExecutor(16) as pool,
    ):
        sent = [pool.submit(client.post, "/classify", json=body) for _ in range(16)]
        answers = [future.result() for future in sent]
        listed = client.get("/decisions").json()["items"]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["decision_id"] for answer in answers}) == len(listed) == 1


def test_server_body_over_limit_is_refused_while_it_is_sent(
    sqlite_environment: dict[str, str], tmp_path: Path
) -> None:
    with _server(sqlite_environment, tmp_path / "server.log") as client:
        with closing(HTTPConnection("127.0.0.1", client.base_url.port, timeout=30)) as connection:
            connection.putrequest("POST", "/classify")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(10**12))
            connection.endheaders()
            with connection.getresponse() as response:
                answer = json.load(response)

        assert (answer["status"], answer["code"]) == (413, "body_too_large")
        assert client.get("/decisions").json()["items"] == []


def test_server_serves_without_torch(sqlite_environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        env=sqlite_environment,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr


@pytest.fixture
def sqlite_environment(model_folder: Path, tmp_path: Path) -> dict[str, str]:
    return _environment(tmp_path, f"sqlite:///{tmp_path / 'triage.db'}", model_folder)
