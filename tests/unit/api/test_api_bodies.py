from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import MAX_BODY_BYTES, RequestRefusedError, parse_json, read_limited

CHUNK = 65_536

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_parse_json_reads_what_json_wrote(value: Any) -> None:
    finite = json.dumps(value).replace("Infinity", "0")

    assert parse_json(finite.encode()) == json.loads(finite)


@given(st.binary(max_size=200))
def test_parse_json_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(RequestRefusedError):
        assert parse_json(body) == json.loads(body.decode())


def test_parse_json_refusal_says_where() -> None:
    with pytest.raises(RequestRefusedError, match="line 2, column 3"):
        parse_json(b'{"text":\n  x}')
    with pytest.raises(RequestRefusedError, match="byte 3"):
        parse_json(b"{  \xff}")


def test_read_limited_endless_body_is_refused_before_it_ends() -> None:
    received = 0

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += CHUNK
        return {"type": "http.request", "body": b" " * CHUNK, "more_body": True}

    request = Request({"type": "http", "headers": []}, receive)

    with pytest.raises(RequestRefusedError) as refusal:
        asyncio.run(read_limited(request))
    assert refusal.value.status_code == 413
    assert received <= MAX_BODY_BYTES + CHUNK


def test_read_limited_declared_length_is_refused_without_reading() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError

    headers = [(b"content-length", str(MAX_BODY_BYTES + 1).encode())]

    with pytest.raises(RequestRefusedError):
        asyncio.run(read_limited(Request({"type": "http", "headers": headers}, receive)))
