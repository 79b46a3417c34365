"""Kills servers under load, starts them again, and counts what became of every appeal.

Several servers work on one store. Clients send appeals to any of them; what breaks off is sent
again where it has an `appeal_id` or an `Idempotency-Key`, and now and then so is what was answered,
by two clients at once.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import httpx
from filled_service import starter_rows
from server_process import Server, add_key, server_environment
from sqlalchemy import func, select

from triage import audit
from triage.entries import Kind
from triage.store.sessions import make_engine, make_sessions
from triage.store.tables import AppealTable, DecisionTable, LedgerEventTable

CITY = "astana"
CLIENTS = 6
WITH_ID = 0.5
WITH_KEY = {True: 0.2, False: 0.8}
"""Share of appeals sent with a key: of those that have an id, and of those that have none."""

TWICE = 0.1
"""Share of what may be sent again that a second client sends too, often at the same moment."""

BEFORE_READY = 0.15
"""Share of kills that hit a server while it starts."""

LONGEST = 1.2
"""Seconds that a ready server lives at most."""

PAGE = 200
_CHANNELS = ("phone", "web", "whatsapp", "telegram", "mobile")


@dataclass(slots=True)
class Sent:
    """An appeal of a text that no other has, and every answer that a client got to it.

    Attributes
    ----------
    key
        Its `Idempotency-Key`, where it is sent with one.
    """

    body: dict[str, Any]
    key: str | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def may_be_sent_again(self) -> bool:
        """Whether the service knows it by more than its text."""
        return self.key is not None or "appeal_id" in self.body

    @property
    def headers(self) -> dict[str, str]:
        """What it is sent with."""
        return {} if self.key is None else {"Idempotency-Key": self.key}


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run came to.

    Attributes
    ----------
    requests
        Sent by clients, `retries` of them for the second time or more.
    broken
        Requests whose connection broke before an answer.
    refused
        Requests that were answered with 503.
    answers
        Appeals that were answered at least once.
    decisions, entries
        In the store and in its ledger, all verified.
    lost
        Answers that the store does not hold as they were given.
    doubled
        Appeals that were decided more than once, or answered in two ways.
    """

    kills: int
    requests: int
    retries: int
    broken: int
    refused: int
    answers: int
    decisions: int
    entries: int
    lost: int
    doubled: int

    def as_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


class Load:
    """Clients that send appeals to any of some servers, until they are told to stop."""

    def __init__(self, urls: Sequence[str], seed: int) -> None:
        self.sent: list[Sent] = []
        self.counted: Counter[str] = Counter()
        self._urls = urls
        self._texts = [row["text"] for row in starter_rows(300, "appeals.jsonl")]
        self._numbers = count()
        self._again: SimpleQueue[Sent] = SimpleQueue()
        self._stopped = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed + number),))
            for number in range(CLIENTS)
        ]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send until the block ends."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in self._threads:
                thread.join()
        assert not self._errors, self._errors

    def finish(self) -> None:
        """Send again what may be and has no answer yet."""
        rng = random.Random(0)
        with httpx.Client(timeout=30) as client:
            for sent in self.sent:
                if sent.may_be_sent_again and not sent.answers:
                    self.counted["retries"] += 1
                    assert self._post(client, sent, rng), sent.body

    def _run(self, rng: random.Random) -> None:
        try:
            with httpx.Client(timeout=30) as client:
                while not self._stopped.is_set():
                    self._send(client, self._next(rng), rng)
        except BaseException as error:
            self._errors.append(error)
            raise

    def _next(self, rng: random.Random) -> Sent:
        try:
            sent = self._again.get_nowait()
        except Empty:
            sent = self._make(rng)
            self.sent.append(sent)
            if sent.may_be_sent_again and rng.random() < TWICE:
                self._again.put(sent)
        else:
            self.counted["retries"] += 1
        return sent

    def _make(self, rng: random.Random) -> Sent:
        number = next(self._numbers)
        body = {
            "text": f"{rng.choice(self._texts)} #{number:07d}",
            "channel": rng.choice(_CHANNELS),
        }
        has_id = rng.random() < WITH_ID
        if has_id:
            body["appeal_id"] = f"109-{number}"
        return Sent(body, f"key-{number}" if rng.random() < WITH_KEY[has_id] else None)

    def _send(self, client: httpx.Client, sent: Sent, rng: random.Random) -> None:
        """Send until there is an answer; only once what has neither id nor key: it could double."""
        while not self._post(client, sent, rng) and sent.may_be_sent_again:
            if self._stopped.wait(0.05):
                return
            self.counted["retries"] += 1

    def _post(self, client: httpx.Client, sent: Sent, rng: random.Random) -> bool:
        self.counted["requests"] += 1
        try:
            url = f"{rng.choice(self._urls)}/classify"
            response = client.post(url, json=sent.body, headers=sent.headers)
        except httpx.TransportError:
            self.counted["broken"] += 1
            return False
        if response.status_code == 503:
            self.counted["refused"] += 1
            return False
        assert response.status_code == 200, response.text
        sent.answers.append(response.json())
        return True


def run(
    home: Path, model: Path, store_url: str, *, kills: int, n_servers: int = 2, seed: int = 1
) -> Counts:
    """Kill servers so many times under load, then compare all answers with the store."""
    rng = random.Random(seed)
    environment = server_environment(home, database_url=store_url, model=str(model))
    key = add_key(environment)
    servers = [Server(environment, home / f"server{number}.log") for number in range(n_servers)]
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.kill)
            server.start()
        _wait_for(servers)
        load = Load([server.url for server in servers], seed)
        with load.running():
            for _ in range(kills):
                _kill_once(rng.choice(servers), rng)
            _wait_for(servers)
        load.finish()
        stored = _stored(servers[0].url, key)
        for server in servers:
            server.stop()
    return _counts(load, stored, store_url, kills)


def _wait_for(servers: Sequence[Server]) -> None:
    for server in servers:
        server.wait_until_ready()


def _kill_once(server: Server, rng: random.Random) -> None:
    """Kill a server at any moment of its life, and start it again."""
    if rng.random() > BEFORE_READY:
        server.wait_until_ready()
    time.sleep(rng.uniform(0, LONGEST))
    server.kill()
    server.start()


def _stored(url: str, key: dict[str, str]) -> list[dict[str, Any]]:
    """Read every decision that the service has."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": PAGE}
    with httpx.Client(base_url=url, headers=key, timeout=60) as client:
        while True:
            page = client.get("/decisions", params=query).raise_for_status().json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]


def _counts(load: Load, stored: Sequence[dict[str, Any]], store_url: str, kills: int) -> Counts:
    by_id = {one["decision_id"]: one for one in stored}
    times = Counter(one["text"] for one in stored)
    assert times.keys() <= {sent.body["text"] for sent in load.sent}
    return Counts(
        kills=kills,
        requests=load.counted["requests"],
        retries=load.counted["retries"],
        broken=load.counted["broken"],
        refused=load.counted["refused"],
        answers=sum(bool(sent.answers) for sent in load.sent),
        decisions=len(stored),
        entries=_verified(store_url, len(stored)),
        lost=sum(not _is_kept(answer, by_id) for sent in load.sent for answer in sent.answers),
        doubled=sum(_is_doubled(sent, times) for sent in load.sent),
    )


def _is_kept(answer: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> bool:
    stored = by_id.get(answer["decision_id"])
    return stored is not None and stored.items() >= answer.items()


def _is_doubled(sent: Sent, times: Counter[str]) -> bool:
    answered_in_two_ways = any(answer != sent.answers[0] for answer in sent.answers)
    return times[sent.body["text"]] > 1 or answered_in_two_ways


def _verified(store_url: str, n_decisions: int) -> int:
    """Verify the ledger and return how many entries it has; no half decision is in the store."""
    engine = make_engine(store_url)
    try:
        with make_sessions(engine).read.begin() as session:
            made = select(func.count()).where(LedgerEventTable.kind == Kind.DECISION_MADE)
            counted = [
                session.scalar(select(func.count()).select_from(AppealTable)),
                session.scalar(select(func.count()).select_from(DecisionTable)),
                session.scalar(made),
            ]
            assert counted == [n_decisions] * 3
            return audit.verify(session, city=CITY)
    finally:
        engine.dispose()
