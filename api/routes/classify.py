"""Appeals come in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from api.bodies import JsonRoute
from api.deps import BackendDep, IntakeDep
from api.openapi import REFUSALS, problems
from api.schemas.answers import DecisionAnswer
from api.schemas.examples import ANSWERS, REQUESTS
from api.schemas.present import decision_answer
from api.schemas.requests import ClassifyRequest
from api.security import SUBMITTERS, Principal, allow

router = APIRouter(tags=["appeals"], route_class=JsonRoute)

Submitter = Annotated[Principal, allow(*SUBMITTERS)]
ClassifyBody = Annotated[ClassifyRequest, Body(openapi_examples=REQUESTS)]


@router.post(
    "/classify",
    summary="Decide on an appeal",
    response_description="The decision, stored",
    responses={
        200: {"content": {"application/json": {"examples": ANSWERS}}},
        **problems(400, *REFUSALS, 409, 413, 415, 422, 503),
    },
)
def classify(
    principal: Submitter, body: ClassifyBody, intake: IntakeDep, backend: BackendDep
) -> DecisionAnswer:
    """Decide what an appeal is about and who must act; the decision is stored before the answer.

    The same appeal under the same `appeal_id` gets the decision that it got before; another
    appeal under that id is refused with 409.
    """
    city = backend.service.city
    decision = intake.submit(body.to_appeal(city, backend.pseudonyms), actor=principal.name)
    return decision_answer(decision, city)
