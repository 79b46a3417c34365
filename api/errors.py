"""Every error as a problem (RFC 9457): which status each has is told in one table, here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy import exc as sqlalchemy_errors
from starlette.exceptions import HTTPException

from api.methods import allowed_methods
from api.schemas.problems import FieldProblem, Problem
from api.scope import PROBLEM_CODE
from models import errors as model_errors
from triage import errors as triage_errors

PROBLEM_TYPE = "application/problem+json"
URN = "urn:appeal-triage:problem:"
INVALID_REQUEST = "invalid_request"

Render = Callable[[Request, Problem, Mapping[str, str]], Response]
"""Turns a problem and its headers into a response."""

log = structlog.get_logger(__name__)


class Kind(NamedTuple):
    """The status of an error and what it means, in words that hold nothing of the request."""

    status: int
    title: str


PROBLEMS: dict[type[Exception], Kind] = {
    triage_errors.TriageError: Kind(500, "The service failed"),
    triage_errors.InvalidAppealError: Kind(422, "The appeal can't be taken"),
    triage_errors.AppealConflictError: Kind(409, "The appeal id came before with another content"),
    triage_errors.IdempotencyConflictError: Kind(
        409, "The idempotency key came before with another content"
    ),
    triage_errors.IntakeClosedError: Kind(503, "The service is shutting down"),
    triage_errors.ModelNotReadyError: Kind(503, "No model is loaded"),
    triage_errors.DecisionNotFoundError: Kind(404, "There is no such decision"),
    triage_errors.DecisionPurgedError: Kind(409, "The appeal's text was removed"),
    triage_errors.InvalidReviewError: Kind(422, "The review can't be taken"),
    triage_errors.ReviewConflictError: Kind(409, "Somebody reviewed the decision before"),
    triage_errors.InvalidCursorError: Kind(422, "The cursor is invalid"),
    triage_errors.StoreUnavailableError: Kind(503, "The database is not to be reached"),
    triage_errors.BrokenLedgerError: Kind(500, "The ledger does not verify"),
    triage_errors.InvalidCityFileError: Kind(500, "A file of the city is invalid"),
    triage_errors.InvalidSettingsError: Kind(500, "A setting is invalid"),
    triage_errors.InvalidRecordsError: Kind(500, "A file of records is invalid"),
    triage_errors.InvalidBackupError: Kind(500, "A backup is invalid"),
    triage_errors.StoreNotEmptyError: Kind(409, "The database is not empty"),
    triage_errors.NotSignedInError: Kind(401, "Credentials are needed"),
    triage_errors.InvalidKeyError: Kind(401, "The API key is not valid"),
    triage_errors.ForbiddenError: Kind(403, "The role does not allow this"),
    triage_errors.SignInFailedError: Kind(401, "Signing in failed"),
    triage_errors.TooManyRequestsError: Kind(429, "The key asks too often"),
    triage_errors.TooManyFailuresError: Kind(429, "Too many sign-ins failed"),
    triage_errors.InvalidLinkError: Kind(410, "The link no longer holds"),
    triage_errors.IdentityRefusedError: Kind(403, "The identity provider's word is refused"),
    triage_errors.IdentityUnavailableError: Kind(503, "The identity provider does not answer"),
    triage_errors.InvalidPersonError: Kind(422, "The person or key can't be so"),
    triage_errors.PersonNotFoundError: Kind(404, "There is no such person"),
    triage_errors.KeyNotFoundError: Kind(404, "There is no such key"),
    triage_errors.ReviewerMismatchError: Kind(422, "Another reviewer was named"),
    triage_errors.IncompatibleModelError: Kind(503, "The model does not fit the taxonomy"),
    triage_errors.InvalidPolicyError: Kind(422, "The policy can't be taken"),
    triage_errors.InvalidPromotionError: Kind(422, "The model can't be promoted so"),
    triage_errors.ModelVersionNotFoundError: Kind(404, "There is no such version of the model"),
    triage_errors.GatesFailedError: Kind(409, "The model has not passed the gates"),
    triage_errors.NothingToRollBackError: Kind(409, "No model served before this one"),
    triage_errors.DrawNotFoundError: Kind(404, "The decision is not in the audit sample"),
    triage_errors.CheckConflictError: Kind(409, "The decision has been checked or seen before"),
    triage_errors.InvalidPeriodError: Kind(422, "The period is invalid"),
    triage_errors.FigureNotFoundError: Kind(404, "There is no such figure"),
    model_errors.ModelError: Kind(503, "The model failed"),
    model_errors.BrokenModelError: Kind(503, "The model's files are incomplete or altered"),
    model_errors.ModelNotFoundError: Kind(503, "There is no model at the configured place"),
    model_errors.RegistryUnavailableError: Kind(503, "The model registry is not to be reached"),
    model_errors.EncoderUnavailableError: Kind(503, "The model's encoder is not to be had"),
}
"""Status and title of each error of our own."""

STORE_ERRORS = (
    sqlalchemy_errors.OperationalError,
    sqlalchemy_errors.InterfaceError,
    sqlalchemy_errors.InternalError,
    sqlalchemy_errors.TimeoutError,
)
"""What the database raises that is not there, is locked, full or read-only, or has no connection
left."""

MAX_ERRORS = 20
"""Errors of one request that are told; a hostile one could have thousands."""

MAX_FIELD_CHARS = 100

HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}

FIELD_CODES = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "string_unicode": "invalid_unicode",
    "string_too_long": "too_long",
    "timezone_aware": "naive_datetime",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "int_parsing_size": "out_of_range",
}
"""Our code for each of Pydantic's; its own custom codes stand as they are."""

VALUE_CODES = frozenset(
    {"channel", "language", "verdict", "action", "review_state", "role", "state"}
)
"""Fields with a fixed set of values: another value is an unknown channel, and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong, before it is known in which request."""

    status: int
    code: str
    title: str
    detail: str
    errors: Sequence[FieldProblem] = ()


def title_of(error: Exception) -> Kind:
    """Return the status and title of an error of our own, or of the nearest ancestor listed."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


def of_own_error(error: triage_errors.TriageError | model_errors.ModelError) -> Failure:
    """Describe an error of our own; what it says of our inside stays in the log."""
    kind = title_of(error)
    message = str(error) if kind.status < 500 else kind.title
    field = getattr(error, "field", None)
    errors = [] if field is None else [FieldProblem(field=field, code=error.code, message=message)]
    return Failure(
        status=kind.status, code=error.code, title=kind.title, detail=message, errors=errors
    )


def of_http_error(error: HTTPException) -> Failure:
    """Describe what the framework or a body reader refused."""
    title = HTTPStatus(error.status_code).phrase
    code = getattr(error, "code", None) or HTTP_CODES.get(error.status_code, "http_error")
    return Failure(status=error.status_code, code=code, title=title, detail=str(error.detail))


def of_invalid_request(found: Sequence[Mapping[str, Any]]) -> Failure:
    """Describe all that Pydantic found; a single error gives the problem its code."""
    errors = [_field_problem(error) for error in found[:MAX_ERRORS]]
    detail = "; ".join(f"{error.field or 'body'}: {error.message}" for error in errors)
    code = errors[0].code if len(errors) == 1 else INVALID_REQUEST
    return Failure(
        status=422, code=code, title="The request is invalid", detail=detail, errors=errors
    )


def of_store_error() -> Failure:
    """Describe a database that does not answer."""
    return of_own_error(triage_errors.StoreUnavailableError())


def of_unexpected_error() -> Failure:
    """Describe an error that nobody foresaw; what it was is in the log alone."""
    detail = "The service failed; its log says why under this request id"
    return Failure(status=500, code="internal_error", title="Internal error", detail=detail)


def problem(request: Request, failure: Failure) -> Problem:
    """Put a failure in the context of its request, and leave its code there."""
    request.scope[PROBLEM_CODE] = failure.code
    return Problem(
        type=URN + failure.code,
        title=failure.title,
        status=failure.status,
        detail=failure.detail,
        code=failure.code,
        instance=request.url.path,
        request_id=request.scope["request_id"],
        errors=list(failure.errors) or None,
    )


def problem_response(
    request: Request, problem: Problem, headers: Mapping[str, str]
) -> JSONResponse:
    """Render a problem as JSON."""
    del request
    content = problem.model_dump(exclude_none=True)
    return JSONResponse(content, problem.status, dict(headers), media_type=PROBLEM_TYPE)


def install(app: FastAPI, render: Render) -> None:
    """Have every foreseen error of an app rendered as a problem."""

    async def own(request: Request, error: Any) -> Response:
        failure = of_own_error(error)
        if failure.status >= 500:
            log.error("request.refused", code=failure.code, error=type(error).__qualname__)
        return render(request, problem(request, failure), _headers(error, failure))

    async def http(request: Request, error: Any) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (
            methods := allowed_methods(request)
        ):
            headers["Allow"] = methods
        return render(request, problem(request, of_http_error(error)), headers)

    async def invalid(request: Request, error: Any) -> Response:
        # The first part of a place says body, query or path.
        found = [{**one, "loc": one["loc"][1:]} for one in error.errors()]
        return render(request, problem(request, of_invalid_request(found)), {})

    for kind in (triage_errors.TriageError, model_errors.ModelError):
        app.add_exception_handler(kind, own)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    _install_store_errors(app, render)


def _install_store_errors(app: FastAPI, render: Render) -> None:
    async def store(request: Request, error: Any) -> Response:
        # The error's text holds the statement and its parameters, an appeal's text among them.
        log.error("store.failed", error=type(error).__qualname__)
        return render(request, problem(request, of_store_error()), {"Retry-After": "5"})

    async def malformed(request: Request, error: Any) -> Response:
        # SQLite's for a file that is no database any more; what inherits from it is our mistake.
        if type(error) is not sqlalchemy_errors.DatabaseError:
            raise error
        return await store(request, error)

    for kind in STORE_ERRORS:
        app.add_exception_handler(kind, store)
    app.add_exception_handler(sqlalchemy_errors.DatabaseError, malformed)


def _headers(error: Exception, failure: Failure) -> dict[str, str]:
    """Return what HTTP asks for beside some statuses."""
    if failure.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, triage_errors.TooManyRequestsError):
        return {"Retry-After": str(error.retry_after)}
    return {}


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    field = ".".join(map(str, error["loc"]))[:MAX_FIELD_CHARS]
    return FieldProblem(field=field, code=_code(error["type"], field), message=error["msg"])


def _code(kind: str, field: str) -> str:
    if kind in FIELD_CODES:
        return FIELD_CODES[kind]
    if kind in ("enum", "literal_error") and field in VALUE_CODES:
        return f"unknown_{field}"
    if kind.startswith(("datetime_", "date_")) and kind != "datetime_type":
        return "invalid_datetime"
    if kind.endswith(("_type", "_parsing", "_from_float")):
        return "wrong_type"
    return kind
