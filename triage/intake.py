"""Group commit: appeals that come at the same time are decided and stored together.

One thread takes all that wait, has them decided by one pass of the model and stored in one
transaction, and answers each. What comes meanwhile waits for the next round, so that the rounds
grow with the load by themselves and one appeal alone waits for nobody (DeWitt et al.,
"Implementation Techniques for Main Memory Database Systems", SIGMOD 1984).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import perf_counter

from triage.appeal import Decision
from triage.errors import IntakeClosedError
from triage.submission import Outcome, Submission

MAX_BATCH = 64
"""Appeals of one round; more gain little and make the first of them wait."""

Decide = Callable[[Sequence[Submission]], Sequence[Outcome]]
Observe = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A submission, and where its answer is awaited."""

    submission: Submission
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Decision]


class GroupCommit:
    """Gathers submissions of coroutines into rounds.

    Parameters
    ----------
    decide
        Returns the outcome of each submission once it is stored, as
        `TriageService.submit_all` does; what it raises is the answer to all of them.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._observe: Observe = _unseen
        self._waiting: SimpleQueue[_Waiting] = SimpleQueue()
        self._arrived = Event()
        self._thread: Thread | None = None
        self._is_closed = False
        self._starting = Lock()

    @property
    def depth(self) -> int:
        """How many submissions wait for a round."""
        return self._waiting.qsize()

    def observed_by(self, observe: Observe) -> None:
        """Have somebody told the size of each round and how many seconds it took."""
        self._observe = observe

    async def submit(self, submission: Submission) -> Decision:
        """Return the decision on an appeal once it is stored.

        Raises
        ------
        IntakeClosedError
            `close` was called.
        Exception
            What `TriageService.submit` raises.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Decision] = loop.create_future()
        with self._starting:
            if self._is_closed:
                raise IntakeClosedError("the service is shutting down")
            if self._thread is None:
                self._thread = Thread(target=self._work, name="intake", daemon=True)
                self._thread.start()
            self._waiting.put(_Waiting(submission, loop, answer))
        # Told at the end of the loop's turn: those that are read in the same turn come along, and
        # the two threads don't contend for the interpreter meanwhile.
        loop.call_soon(self._arrived.set)
        return await answer

    def close(self) -> None:
        """Take no more; return once all that wait are answered."""
        with self._starting:
            self._is_closed = True
        self._arrived.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        is_last = False
        while not is_last:
            self._arrived.wait()
            self._arrived.clear()
            is_last = self._is_closed
            while batch := self._gather():
                self._round(batch)

    def _gather(self) -> list[_Waiting]:
        """Return what waits by now."""
        batch: list[_Waiting] = []
        with suppress(Empty):
            while len(batch) < MAX_BATCH:
                batch.append(self._waiting.get_nowait())
        return batch

    def _round(self, batch: Sequence[_Waiting]) -> None:
        started = perf_counter()
        outcomes: Sequence[Outcome]
        try:
            outcomes = self._decide([waiting.submission for waiting in batch])
        except Exception as error:  # whatever it is, each of them waits for an answer
            outcomes = [error] * len(batch)
        self._observe(len(batch), perf_counter() - started)
        answered = zip(batch, outcomes, strict=True)
        # One call for all wakes their loop once.
        for loop, group in groupby(answered, key=lambda pair: pair[0].loop):
            answers = [(waiting.answer, outcome) for waiting, outcome in group]
            if not loop.is_closed():
                loop.call_soon_threadsafe(_give, answers)


def _give(answers: Sequence[tuple[asyncio.Future[Decision], Outcome]]) -> None:
    for answer, outcome in answers:
        if answer.done():  # whoever asked has gone
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def _unseen(size: int, seconds: float) -> None:
    """Tell nobody."""
