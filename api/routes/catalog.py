"""What a decision can name: the taxonomy and the enterprise registry."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import ServiceDep
from api.openapi import problems
from api.schemas.answers import EnterprisesAnswer, TaxonomyAnswer
from api.schemas.present import enterprise_answer, taxonomy_answer
from api.schemas.requests import EnterprisesQuery

router = APIRouter(tags=["catalog"])


@router.get("/taxonomy", summary="List categories and topics", responses=problems())
def read_taxonomy(service: ServiceDep) -> TaxonomyAnswer:
    """List the categories with the topics that are offered for new decisions."""
    return taxonomy_answer(service.city.taxonomy)


@router.get("/enterprises", summary="Search enterprises", responses=problems(422))
def search_enterprises(
    query: Annotated[EnterprisesQuery, Query()], service: ServiceDep
) -> EnterprisesAnswer:
    """Search active enterprises by id, name in either language, alias or number, best first.

    Every word of the query must begin a word of the enterprise; letters lost from Kazakh
    don't matter.
    """
    registry = service.city.enterprises
    found = registry.search(query.query, limit=query.limit)
    return EnterprisesAnswer(
        version=registry.version, items=[enterprise_answer(enterprise) for enterprise in found]
    )
