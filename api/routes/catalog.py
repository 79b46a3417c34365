"""What a decision can name: the taxonomy and the enterprise registry."""

from __future__ import annotations

from heapq import nsmallest
from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import ServiceDep
from api.openapi import REFUSALS, problems
from api.schemas.answers import EnterprisesAnswer, TaxonomyAnswer
from api.schemas.present import enterprise_answer, taxonomy_answer
from api.schemas.requests import EnterprisesQuery
from api.security import EVERYBODY, allow
from triage.enterprises import Enterprise, EnterpriseRegistry

router = APIRouter(tags=["catalog"], dependencies=[allow(*EVERYBODY)])


@router.get("/taxonomy", summary="List categories and topics", responses=problems(*REFUSALS))
def read_taxonomy(service: ServiceDep) -> TaxonomyAnswer:
    """List the categories with the topics that are offered for new decisions."""
    return taxonomy_answer(service.city.taxonomy)


@router.get(
    "/enterprises", summary="List or search enterprises", responses=problems(*REFUSALS, 422)
)
def search_enterprises(
    query: Annotated[EnterprisesQuery, Query()], service: ServiceDep
) -> EnterprisesAnswer:
    """Search active enterprises by id, name in either language, alias or number, best first.

    Every word of the query must begin a word of the enterprise; letters lost from Kazakh
    don't matter. Without a query the first ones by id are listed.
    """
    registry = service.city.enterprises
    if query.query is None:
        found = _first(registry, query.limit)
    else:
        found = registry.search(query.query, limit=query.limit)
    return EnterprisesAnswer(
        version=registry.version, items=[enterprise_answer(enterprise) for enterprise in found]
    )


def _first(registry: EnterpriseRegistry, limit: int) -> list[Enterprise]:
    active = (enterprise for enterprise in registry.enterprises.values() if enterprise.active)
    return nsmallest(limit, active, key=attrgetter("id"))
