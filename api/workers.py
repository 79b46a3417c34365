"""Several processes on one port, each of them the whole application, on one database."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import parent_process
from socket import socket
from tempfile import TemporaryDirectory
from threading import Thread

from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from api.app import create_app_from_environment
from api.metrics import SHARED_FOLDER
from triage.config import PREFIX, Settings
from triage.console import log_to_stderr, told_errors

APP = f"{__name__}:create_worker"

SILENT_SECONDS = 30
"""A worker that does not answer its parent for so long is replaced; loading a model takes less."""


def serve_workers(settings: Settings, say_ready: Callable[[], None], **options: object) -> bool:
    """Serve until the process is told to stop; a worker that dies is replaced.

    Parameters
    ----------
    say_ready
        Called once, when every worker answers.
    options
        Of uvicorn's `Config`.

    Returns
    -------
    stopped
        Whether it was told to stop; else a worker could not start, and has said why.
    """
    with TemporaryDirectory(prefix="triage-metrics-") as counts:
        # Workers are started afresh and read their settings from here.
        os.environ |= {
            SHARED_FOLDER: counts,
            f"{PREFIX}HOST": settings.host,
            f"{PREFIX}PORT": str(settings.port),
        }
        config = Config(
            APP,
            factory=True,
            workers=settings.workers,
            timeout_worker_healthcheck=SILENT_SECONDS,
            **options,  # type: ignore[arg-type]  # passed through
        )
        workers = _Workers(config, [config.bind_socket()], say_ready)
        workers.run()
    return all(process.exitcode != STARTUP_FAILURE for process in workers.processes)


def create_worker() -> FastAPI:
    """Make the application of one worker; its parent stops where that can't be done."""
    log_to_stderr()
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        with told_errors():
            return create_app_from_environment()
    except SystemExit:
        sys.exit(STARTUP_FAILURE)


def _end_with_parent() -> None:
    """Stop when the parent is gone, however it ended: the port would stay taken."""
    if parent := parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


class _Workers(Multiprocess):
    """Tells when all workers answer, sees at once that one died, and forgets what it counted."""

    def __init__(
        self, config: Config, sockets: list[socket], say_ready: Callable[[], None]
    ) -> None:
        super().__init__(config, sockets)
        self._say_ready = say_ready
        self._ready = False
        self._pids: set[int | None] = set()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died; called every half second."""
        for process in self.processes:
            # The worker has its own copy of this end. While ours is open, one that is killed
            # before it answers a ping does not end the pipe and is waited for to the last second.
            process.child_conn.close()
        super().keep_subprocess_alive()
        alive = {process.pid for process in self.processes}
        for pid in self._pids - alive:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # has no types
        self._pids = alive
        if not self._ready and all(process.is_ready() for process in self.processes):
            self._ready = True
            self._say_ready()
