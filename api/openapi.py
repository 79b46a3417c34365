"""The API's description: problems of each route, and their media type."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.errors import PROBLEM_TYPE
from api.limits import WATCHED
from api.schemas.problems import Problem

DESCRIPTION = """\
Decides what a resident's appeal is about and which enterprise must act, in Russian, Kazakh and
both at once, and records every decision.

`action` is `auto` where the precision contract is kept, `review` where a person looks first and
`ask` where the place is missing: `question_text` says what to ask the resident.

Machines send an API key: `Authorization: Bearer KEY`. A key has a role: `intake` sends appeals in
and reads the decisions on them, `supervisor` reads and reviews all, `data_scientist` reads all,
`admin` may do everything. A service that is reached from its own machine alone takes requests
without a key for `intake`, unless it is set up otherwise.

A service that has as much in work as it can hold answers 503 with `Retry-After`: send the same
request again after so many seconds.

Errors are problem details (RFC 9457) with a stable `code`. Every answer carries `X-Request-Id`,
the caller's own if it sent one.
"""

TAGS = [
    {"name": "appeals", "description": "Appeals come in"},
    {"name": "decisions", "description": "Decisions are read and reviewed"},
    {"name": "checks", "description": "The audit sample is checked blind"},
    {"name": "overview", "description": "Figures of a period"},
    {"name": "models", "description": "Which model serves, and under which policy"},
    {"name": "ledger", "description": "What was done, by whom and when, and that it is unchanged"},
    {"name": "catalog", "description": "What a decision can name"},
    {"name": "state", "description": "For those who watch over the service"},
]


PROBLEM_SCHEMA = {"$ref": f"#/components/schemas/{Problem.__name__}"}

REFUSALS = (401, 403, 429)
"""What routes answer that ask who is there."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problem responses of a route; an internal error is always among them."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase}
        for status in (*statuses, 500)
    }


def install(app: FastAPI) -> None:
    """Have the app describe its problems under their own media type, those of limits as well."""
    describe = app.openapi

    def with_problems() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = describe()
            _add_limits(schema)
            _correct_problem_type(schema)
        return describe()

    app.openapi = with_problems  # type: ignore[method-assign]  # FastAPI's documented way


def _add_limits(schema: dict[str, Any]) -> None:
    """Add what `api.limits` answers before any route is asked."""
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            statuses = [] if path in WATCHED else [503]
            statuses += [408, 413] if "requestBody" in operation else []
            for status in statuses:
                operation["responses"].setdefault(str(status), _problem(status))


def _problem(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": PROBLEM_SCHEMA}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _correct_problem_type(schema: dict[str, Any]) -> None:
    for path in schema["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                if content.get("application/json", {}).get("schema") == PROBLEM_SCHEMA:
                    content[PROBLEM_TYPE] = content.pop("application/json")
