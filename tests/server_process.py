"""`triage serve` as its own process, for tests that a browser or a client visits."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 120

TRIAGE = str(Path(sys.executable).parent / "triage")


def server_environment(home: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a server with its own home; a setting is `database_url=...`."""
    # Tests of MLflow leave its address behind, which would lead past the home.
    inherited = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    given = {f"TRIAGE_{name.upper()}": value for name, value in settings.items()}
    return inherited | {"TRIAGE_HOME": str(home)} | given


def add_key(environment: dict[str, str], role: str = "admin") -> dict[str, str]:
    """Make a key by the command line, and return the header that sends it."""
    command = [TRIAGE, "keys", "add", "tests", "--role", role, "--per-minute", "100000"]
    made = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


@contextmanager
def running_server(environment: dict[str, str], log: Path) -> Iterator[httpx.Client]:
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"not ready after {START_SECONDS} s: {log.read_text()}")
