"""Reads request bodies: JSON in UTF-8 or a form; `api.limits` has seen to their size."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class RequestRefusedError(HTTPException):
    """A request that is refused before anybody looks into it; `code` is stable."""

    def __init__(
        self, status_code: int, code: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status_code, detail, headers)
        self.code = code


class JsonRequest(Request):
    """A request whose body must be JSON as RFC 8259 has it: UTF-8, without NaN."""

    async def json(self) -> Any:
        """Return the parsed body.

        Raises
        ------
        RequestRefusedError
            The body is not UTF-8 or not JSON.
        """
        return parse_json(await self.body())


class JsonRoute(APIRoute):
    """A route that takes a JSON body and no other."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, given a `JsonRequest`."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            if self.body_field is not None:
                _require_content_type(request, JSON)
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a submitted form, the last one of each name.

    Raises
    ------
    RequestRefusedError
        The body is not UTF-8 or no form.
    """
    _require_content_type(request, FORM)
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as error:
        _refuse_encoding(error)
    except ValueError as error:
        raise RequestRefusedError(400, "invalid_form", f"the body is no form: {error}") from error


def parse_json(body: bytes) -> Any:
    """Parse JSON in UTF-8.

    Raises
    ------
    RequestRefusedError
        Not UTF-8, not JSON, or nested too deep.
    """
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        _refuse_encoding(error)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RequestRefusedError(
            400, "invalid_json", f"broken JSON at {place}: {error.msg}"
        ) from error
    except RecursionError as error:
        raise RequestRefusedError(400, "invalid_json", "the JSON is nested too deep") from error
    except ValueError as error:
        raise RequestRefusedError(
            400, "invalid_json", "the JSON has a number that is too long"
        ) from error


def _require_content_type(request: Request, wanted: str) -> None:
    media_type, charset = _content_type(request.headers.get("content-type", ""))
    if media_type != wanted:
        raise RequestRefusedError(
            415, "unsupported_media_type", f"the body must be {wanted} in UTF-8"
        )
    if charset.replace("_", "-") not in ("utf-8", "utf8"):
        raise RequestRefusedError(
            415, "unsupported_media_type", f"the body must be in UTF-8, not {charset}"
        )


@lru_cache(maxsize=64)
def _content_type(given: str) -> tuple[str, str]:
    """Return the media type and the charset of a header; clients have but a few."""
    header = Message()
    header["content-type"] = given
    return header.get_content_type(), header.get_content_charset("utf-8")


def _refuse_constant(name: str) -> NoReturn:
    raise RequestRefusedError(400, "invalid_json", f"{name} is not JSON")


def _refuse_encoding(error: UnicodeDecodeError) -> NoReturn:
    raise RequestRefusedError(
        400, "invalid_encoding", f"the body is not UTF-8 at byte {error.start}"
    ) from error
