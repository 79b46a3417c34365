"""The API's description: problems of each route, and their media type."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.errors import PROBLEM_TYPE
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


REFUSALS = (401, 403, 429)
"""What routes answer that ask who is there."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problem responses of a route; an internal error is always among them."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase}
        for status in (*statuses, 500)
    }


def install(app: FastAPI) -> None:
    """Have the app describe its problems under their own media type."""
    describe = app.openapi

    def with_problem_type() -> dict[str, Any]:
        if app.openapi_schema is None:
            _correct_problem_type(describe())
        return describe()

    app.openapi = with_problem_type  # type: ignore[method-assign]  # FastAPI's documented way


def _correct_problem_type(schema: dict[str, Any]) -> None:
    problem = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    for path in schema["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                if content.get("application/json", {}).get("schema") == problem:
                    content[PROBLEM_TYPE] = content.pop("application/json")
