"""What the service does beside answering: each task in a thread of its own, until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do again and again.

    Attributes
    ----------
    pause
        Seconds between the end of one run and the start of the next.
    """

    name: str
    run: Callable[[], object]
    pause: float


class Background:
    """Runs tasks while the service serves."""

    def __init__(self, *tasks: Task) -> None:
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(task,), name=task.name, daemon=True)
            for task in tasks
        ]

    def start(self) -> None:
        """Start every task."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, seconds: float = 5.0) -> None:
        """Have every task end, and wait so long for each."""
        self._stopped.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)

    def _repeat(self, task: Task) -> None:
        while not self._stopped.is_set():
            try:
                task.run()
            except Exception as error:  # a task that fails is told of, and tried again
                log.error(  # noqa: TRY400  # a traceback may hold an appeal's text
                    "task.failed", task=task.name, error=type(error).__qualname__
                )
                self._stopped.wait(max(task.pause, 1.0))
            self._stopped.wait(task.pause)
