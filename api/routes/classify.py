"""Appeals come in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from api.bodies import JsonRoute
from api.deps import IntakeDep, ServiceDep
from api.openapi import problems
from api.schemas.answers import DecisionAnswer
from api.schemas.examples import ANSWERS, REQUESTS
from api.schemas.present import decision_answer
from api.schemas.requests import ClassifyRequest

ACTOR = "intake"

router = APIRouter(tags=["appeals"], route_class=JsonRoute)

ClassifyBody = Annotated[ClassifyRequest, Body(openapi_examples=REQUESTS)]


@router.post(
    "/classify",
    summary="Decide on an appeal",
    response_description="The decision, stored",
    responses={
        200: {"content": {"application/json": {"examples": ANSWERS}}},
        **problems(400, 409, 413, 415, 422, 503),
    },
)
def classify(body: ClassifyBody, intake: IntakeDep, service: ServiceDep) -> DecisionAnswer:
    """Decide what an appeal is about and who must act; the decision is stored before the answer.

    The same appeal under the same `appeal_id` gets the decision that it got before; another
    appeal under that id is refused with 409.
    """
    decision = intake.submit(body.to_appeal(service.city), actor=ACTOR)
    return decision_answer(decision, service.city)
