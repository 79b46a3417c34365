from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from server_process import TRIAGE, add_key, running_server, server_environment

APPEALS = {
    "ru": "Во дворе третий день не убирают снег, коляску не провезти",
    "kk": "Пәтерде екі күннен бері жылу жоқ, батареялар мұздай",
    "mixed": "Добрый день, біздің подъезде лифт жұмыс істемейді, третий день уже, когда исправите?",
}

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


def test_server_keeps_decisions_and_reviews_over_a_restart(
    store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    environment = server_environment(tmp_path, database_url=store_url, model=str(model_folder))
    log = tmp_path / "server.log"
    key = add_key(environment)
    with running_server(environment, log) as client:
        client.headers.update(key)
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
                "enterprise": "UTIL-VET",
                "reason": "проверка",
            },
        ).json()

    with running_server(environment, log) as client:
        client.headers.update(key)
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
    # Model loaded twice, three decisions, one review; a key, the local admin and a link each time.
    n_events = 2 + 3 + 1 + 1 + 1 + 2
    assert f"{n_events} entries" in verified.stdout + verified.stderr
    assert "ready: http://127.0.0.1:" in log.read_text()
    assert not any(text in log.read_text() for text in APPEALS.values())
    assert log.read_text().count("sign in as admin, once: http://127.0.0.1:") == 2


def test_server_first_link_signs_the_local_admin_in(
    sqlite_environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    with running_server(sqlite_environment, log) as client:
        [link] = re.findall(r"once: (\S+)", log.read_text())
        signed = client.post(link, data={"password": "", "again": ""})
        page = client.get("/pages/people")

    assert signed.status_code == 303
    assert page.status_code == 200
    assert "admin" in page.text


def test_server_same_appeal_sent_at_once_is_decided_once(
    store_url: str, model_folder: Path, tmp_path: Path
) -> None:
    environment = server_environment(tmp_path, database_url=store_url, model=str(model_folder))
    body = {"text": APPEALS["kk"], "appeal_id": "109-1"}
    key = add_key(environment)
    with (
        running_server(environment, tmp_path / "server.log") as client,
        ThreadPoolExecutor(16) as pool,
    ):
        sent = [pool.submit(client.post, "/classify", json=body) for _ in range(16)]
        answers = [future.result() for future in sent]
        listed = client.get("/decisions", headers=key).json()["items"]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["decision_id"] for answer in answers}) == len(listed) == 1


def test_server_body_over_limit_is_refused_while_it_is_sent(
    sqlite_environment: dict[str, str], tmp_path: Path
) -> None:
    with running_server(sqlite_environment, tmp_path / "server.log") as client:
        with closing(HTTPConnection("127.0.0.1", client.base_url.port, timeout=30)) as connection:
            connection.putrequest("POST", "/classify")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(10**12))
            connection.endheaders()
            with connection.getresponse() as response:
                answer = json.load(response)

        assert (answer["status"], answer["code"]) == (413, "body_too_large")
        listed = client.get("/decisions", headers=add_key(sqlite_environment))
        assert listed.json()["items"] == []


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
    return server_environment(tmp_path, model=str(model_folder))
