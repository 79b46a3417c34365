from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from api import limits
from api.errors import problem_response
from api.limits import MAX_BODY_BYTES, LimitsMiddleware
from triage.config import Settings

CHUNK = b" " * 65_536
SENT_LENGTH = (b"transfer-encoding", b"chunked")


class App:
    """Counts how many requests it has at once, and answers when it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.now = 0
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.now += 1
        self.bodies.append((await receive())["body"])
        await self.let_go.wait()
        self.now -= 1
        await PlainTextResponse("done")(scope, receive, send)


class Client:
    """One request of a client that sends what it is told to, and then leaves or keeps silent."""

    def __init__(self, *chunks: bytes, path: str = "/classify", leaves: bool = False) -> None:
        self.chunks = list(chunks)
        self.received = 0
        self.leaves = leaves
        self.scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [SENT_LENGTH],
            "request_id": "1",
            "server": ("127.0.0.1", 80),
        }
        self.answer: dict[str, Any] = {}

    async def receive(self) -> Message:
        if self.chunks:
            chunk = self.chunks.pop(0)
            self.received += len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": chunk != b""}
        if not self.leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self.answer = {"status": message["status"], **headers}


def make(app: App, **settings: Any) -> LimitsMiddleware:
    return LimitsMiddleware(app, Settings(**settings), problem_response)


async def ask(middleware: LimitsMiddleware, client: Client) -> dict[str, Any]:
    await middleware(client.scope, client.receive, client.send)
    return client.answer


def test_limits_requests_over_the_limit_are_refused_and_the_rest_served() -> None:
    async def scenario() -> None:
        app = App()
        middleware = make(app, max_concurrent=2)
        waiting = [asyncio.create_task(ask(middleware, Client(b"{}", b""))) for _ in range(2)]
        await asyncio.sleep(0.01)
        refused = await ask(middleware, Client(b"{}", b""))
        assert (app.now, refused["status"], refused["retry-after"]) == (2, 503, "1")
        app.let_go.set()
        assert [(await one)["status"] for one in waiting] == [200, 200]
        assert (await ask(middleware, Client(b"{}", b"")))["status"] == 200

    asyncio.run(scenario())


def test_limits_place_is_given_back_where_the_app_fails() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    async def scenario() -> None:
        middleware = LimitsMiddleware(fail, Settings(max_concurrent=1), problem_response)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await ask(middleware, Client(b"{}", b""))

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_limits_those_who_watch_are_always_served(path: str) -> None:
    async def scenario() -> None:
        app = App()
        middleware = make(app, max_concurrent=1)
        waiting = asyncio.create_task(ask(middleware, Client(b"{}", b"")))
        await asyncio.sleep(0.01)
        app.let_go.set()
        assert (await ask(middleware, Client(b"", path=path)))["status"] == 200
        await waiting

    asyncio.run(scenario())


def test_limits_slow_bodies_take_no_places() -> None:
    async def scenario() -> None:
        app = App()
        app.let_go.set()
        middleware = make(app, max_concurrent=1, client_seconds=0.2)
        slow = [asyncio.create_task(ask(middleware, Client(b"{"))) for _ in range(50)]
        await asyncio.sleep(0.01)
        assert (await ask(middleware, Client(b"{}", b"")))["status"] == 200
        refused = [await one for one in slow]
        assert {one["status"] for one in refused} == {408}
        assert {one["connection"] for one in refused} == {"close"}

    asyncio.run(scenario())


def test_limits_endless_body_is_refused_before_it_ends() -> None:
    async def scenario() -> None:
        client = Client(*[CHUNK] * 100)
        assert (await ask(make(App()), client))["status"] == 413
        assert client.received <= MAX_BODY_BYTES + len(CHUNK)

    asyncio.run(scenario())


@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "9" * 5000])
def test_limits_declared_length_is_refused_without_reading(length: str) -> None:
    async def scenario() -> None:
        client = Client(CHUNK)
        client.scope["headers"] = [(b"content-length", length.encode())]
        assert (await ask(make(App()), client))["status"] == 413
        assert client.received == 0

    asyncio.run(scenario())


def test_limits_body_reaches_the_app_whole() -> None:
    async def scenario() -> None:
        app = App()
        app.let_go.set()
        await ask(make(app), Client(b'{"text":', b' "a"}', b""))
        assert app.bodies == [b'{"text": "a"}']

    asyncio.run(scenario())


def test_limits_client_that_leaves_is_not_served() -> None:
    async def scenario() -> None:
        app = App()
        assert await ask(make(app), Client(b"{", leaves=True)) == {}
        assert app.bodies == []

    asyncio.run(scenario())


def test_limits_bodies_in_memory_stay_under_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_HELD_BYTES", 4 * len(CHUNK))

    async def scenario() -> None:
        app = App()
        middleware = make(app)
        waiting = [asyncio.create_task(ask(middleware, Client(CHUNK, b""))) for _ in range(4)]
        await asyncio.sleep(0.01)
        assert (await ask(middleware, Client(CHUNK, b"")))["status"] == 503
        app.let_go.set()
        for one in waiting:
            assert (await one)["status"] == 200
        assert (await ask(middleware, Client(CHUNK, b"")))["status"] == 200

    asyncio.run(scenario())
