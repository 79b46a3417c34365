from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.errors import PROBLEMS, of_own_error, title_of
from models.errors import BrokenModelError, ModelError
from triage.errors import DecisionNotFoundError, InvalidReviewError, TriageError


def _family(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)


OWN_ERRORS = [
    kind
    for base in (TriageError, ModelError)
    for kind in _family(base)
    if kind.__module__ in ("triage.errors", "models.errors")
]


@pytest.mark.parametrize("kind", OWN_ERRORS)
def test_problems_every_error_of_our_own_has_a_status(kind: type[Exception]) -> None:
    assert kind in PROBLEMS
    assert 400 <= PROBLEMS[kind].status < 600


def test_problems_codes_of_our_own_errors_differ() -> None:
    codes = [kind.code for kind in OWN_ERRORS]  # type: ignore[attr-defined]  # each family has it

    assert len(set(codes)) == len(codes)


def test_title_of_an_error_that_is_not_listed_is_its_ancestors() -> None:
    class OtherError(DecisionNotFoundError):
        pass

    assert title_of(OtherError()).status == 404


def test_of_own_error_client_is_told_what_and_where() -> None:
    failure = of_own_error(InvalidReviewError("unknown topic x", field="topic"))

    assert (failure.status, failure.code) == (422, "invalid_review")
    assert failure.detail == "unknown topic x"
    assert failure.errors[0].field == "topic"


def test_of_own_error_server_keeps_its_paths_to_itself() -> None:
    failure = of_own_error(BrokenModelError("/srv/models/3/model.json: altered"))

    assert failure.code == "broken_model"
    assert "/srv" not in failure.detail
