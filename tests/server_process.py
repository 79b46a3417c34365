"""`triage serve` as its own process, for tests that a browser or a client visits."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


class Server:
    """A server that can be killed and started again, on the same port.

    Parameters
    ----------
    log
        File that its output is added to.
    """

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process; it is not ready yet."""
        command = [TRIAGE, "serve", "--port", str(self.port)]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        """Wait until it answers that appeals can be taken."""
        assert self._process is not None
        with httpx.Client(base_url=self.url, timeout=30) as client:
            _wait_until_ready(client, self._process, self._log)

    def kill(self) -> None:
        """End it at once, whatever it is about (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def resident_megabytes(self) -> float:
        """Return how much memory it takes."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def limit_files(self, size: int) -> None:
        """Have it write no file beyond so many bytes from now on, as if the disk were full."""
        assert self._process is not None
        _, hardest = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, hardest))

    def stop(self) -> None:
        """End it as a service manager would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(timeout=30) in (0, -signal.SIGTERM)


@contextmanager
def running_server(environment: dict[str, str], log: Path) -> Iterator[httpx.Client]:
    """Run the server until the block ends, then stop it as a service manager would."""
    server = Server(environment, log)
    server.start()
    try:
        server.wait_until_ready()
        with httpx.Client(base_url=server.url, timeout=30) as client:
            yield client
        server.stop()
    finally:
        server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"not ready after {START_SECONDS} s: {log.read_text()}")
