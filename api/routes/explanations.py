"""Decisions are understood: what drove them, what is like them, what happened to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.deps import BackendDep, DecisionId
from api.openapi import REFUSALS, problems
from api.schemas.explanations import (
    ExplanationAnswer,
    SimilarsAnswer,
    TimelineAnswer,
    explanation_answer,
    related_answer,
    similar_answer,
    timeline_answer,
)
from api.security import READERS, Principal, allow, may_see_personal_data
from triage.masking import Masked, mask

router = APIRouter(prefix="/decisions/{decision_id}", tags=["decisions"])

Reader = Annotated[Principal, allow(*READERS)]


@router.get(
    "/explanation",
    summary="What drove a decision",
    responses=problems(*REFUSALS, 404, 422, 503),
)
def explain_decision(
    principal: Reader, decision_id: DecisionId, backend: BackendDep
) -> ExplanationAnswer:
    """Tell what each word of the appeal says for the chosen labels and the runners-up.

    The weights are exact: they add up to the margins of the model's linear heads. The model that
    serves explains; where another one decided, the answer says so.
    """
    explanation = backend.explainer.explain(decision_id)
    text = _seen(backend.service.get(decision_id).decision.appeal.text, principal)
    return explanation_answer(decision_id, explanation, text, backend.service.city)


@router.get(
    "/similar",
    summary="Appeals like this one",
    responses=problems(*REFUSALS, 404, 422, 503),
)
def find_similar(principal: Reader, decision_id: DecisionId, backend: BackendDep) -> SimilarsAnswer:
    """List past appeals that are like this one, and others of its sender."""
    city, similar = backend.service.city, backend.similar
    return SimilarsAnswer(
        similar=[
            similar_answer(one, _seen(one.stored.decision.appeal.text, principal).text, city)
            for one in similar.similar(decision_id)
        ],
        repeats=[
            related_answer(one, _seen(one.decision.appeal.text, principal).text, city)
            for one in similar.repeats(decision_id)
        ],
    )


@router.get(
    "/timeline",
    summary="What happened to a decision",
    responses=problems(*REFUSALS, 404, 422, 503),
    dependencies=[allow(*READERS)],
)
def read_timeline(decision_id: DecisionId, backend: BackendDep) -> TimelineAnswer:
    """List what the ledger holds of a decision, its reviews and checks, oldest first."""
    return timeline_answer(backend.similar.timeline(decision_id))


def _seen(text: str, principal: Principal) -> Masked:
    return Masked(text, (), ()) if may_see_personal_data(principal) else mask(text)
