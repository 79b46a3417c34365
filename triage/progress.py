"""Progress on standard error: bars for people, a line a step for logs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")


class Reporter(Protocol):
    """Tells how far a long piece of work is."""

    def track(self, step: str, items: Iterable[T], total: int | None = None) -> Iterable[T]:
        """Pass items through and count them."""
        ...


class Silent:
    """Tells nothing: for tests and for use as a library."""

    def track(self, step: str, items: Iterable[T], total: int | None = None) -> Iterable[T]:
        """Pass items through."""
        del step, total
        return items


class OnTerminal:
    """Bars on a terminal; where there is none, one line for each step that is done."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def track(self, step: str, items: Iterable[T], total: int | None = None) -> Iterator[T]:
        """Pass items through and show how many have gone."""
        if self._progress is not None:
            yield from self._progress.track(items, total=total, description=step)
            return
        count = 0
        for count, item in enumerate(items, start=1):  # noqa: B007  # the count is told afterwards
            yield item
        sys.stderr.write(f"{step}: {count} done\n")
        sys.stderr.flush()


@contextmanager
def on_terminal() -> Iterator[OnTerminal]:
    """Show progress on standard error while the block runs."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield OnTerminal(None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # Not through the bar: standard output belongs to what a command answers.
    with Progress(
        *columns, TimeElapsedColumn(), console=console, redirect_stdout=False
    ) as progress:
        yield OnTerminal(progress)
