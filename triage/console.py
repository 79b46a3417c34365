"""What both command lines share: errors told in a line, not as a stack trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from models.errors import ModelError
from triage.errors import TriageError


@contextmanager
def told_errors(*more: type[Exception]) -> Iterator[None]:
    """End the process with status 1 and the message, where a user's error comes up.

    Parameters
    ----------
    more
        Further exceptions that are a user's and speak for themselves.
    """
    told: tuple[type[Exception], ...] = (TriageError, ModelError, *more)
    try:
        yield
    except told as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from error


def log_to_stderr() -> None:
    """Send logs to standard error: standard output belongs to what a command answers.

    People at a terminal read lines in colour, machines one JSON object a line.
    """
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        # Looked up at each line: what stands for it now may be closed by then.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
