from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import RequestRefusedError, parse_json

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
