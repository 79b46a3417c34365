"""Appeals come in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Header, Response

from api.bodies import JSON, JsonRoute
from api.deps import IntakeDep
from api.openapi import REFUSALS, problems
from api.schemas.answers import DecisionAnswer
from api.schemas.examples import ANSWERS, REQUESTS
from api.schemas.present import decision_answer
from api.schemas.requests import ClassifyRequest
from api.security import SUBMITTERS, Principal, allow

router = APIRouter(tags=["appeals"], route_class=JsonRoute)

Submitter = Annotated[Principal, allow(*SUBMITTERS)]
MAX_KEY_CHARS = 255

ClassifyBody = Annotated[ClassifyRequest, Body(openapi_examples=REQUESTS)]


IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=MAX_KEY_CHARS,
        pattern=r"^[\x21-\x7e]+$",
        description="Any name for this request; sent again with it, it gets the first answer",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]


@router.post(
    "/classify",
    summary="Decide on an appeal",
    response_description="The decision, stored",
    response_model=DecisionAnswer,
    responses={
        200: {"content": {"application/json": {"examples": ANSWERS}}},
        **problems(400, *REFUSALS, 409, 413, 415, 422, 503),
    },
)
async def classify(
    principal: Submitter,
    body: ClassifyBody,
    intake: IntakeDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Decide what an appeal is about and who must act; the decision is stored before the answer.

    The same appeal under the same `appeal_id`, or sent by the same client with the same
    `Idempotency-Key`, gets the decision that it got before; another appeal under that id or key
    is refused with 409.
    """
    backend = intake.backend
    city = backend.service.city
    appeal = body.to_appeal(city, backend.pseudonyms)
    decision = await intake.submit(appeal, actor=principal.name, key=idempotency_key)
    # Made by Pydantic from the model itself: FastAPI need not check it once more.
    return Response(decision_answer(decision, city).model_dump_json(), media_type=JSON)
