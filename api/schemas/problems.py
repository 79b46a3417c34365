"""Problem details (RFC 9457): the one shape of every error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """One thing that is wrong with a request, and where."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="Path of the field, as in `text`; empty for the whole body")
    code: str
    message: str


class Problem(BaseModel):
    """What went wrong; `code` is stable, the words may change."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="`urn:appeal-triage:problem:` and the code")
    title: str
    status: int
    detail: str
    code: str
    instance: str = Field(description="Path of the request")
    request_id: str = Field(description="Also in the header X-Request-Id and in the log")
    errors: list[FieldProblem] | None = Field(
        None, description="For an invalid request: all that is wrong with it"
    )
