"""Turns decisions and the city's tables into answers; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.schemas.answers import (
    CandidateAnswer,
    CategoryAnswer,
    DecisionAnswer,
    EnterpriseAnswer,
    LevelAnswer,
    ModelAnswer,
    Named,
    PlaceAnswer,
    QuestionAnswer,
    ReasonAnswer,
    ReviewAnswer,
    RouteAnswer,
    StoredDecisionAnswer,
    TaxonomyAnswer,
    TopicAnswer,
    UrgencyAnswer,
    VersionsAnswer,
)
from api.schemas.requests import Point
from models.prediction import Candidate, Level
from triage.appeal import Action, Bilingual, Coordinates, Decision, Review
from triage.citydata import City
from triage.enterprises import Enterprise
from triage.masking import mask_stored
from triage.store.decisions import StoredDecision
from triage.taxonomy import Category, Taxonomy, Topic

DECIMALS = 6
"""Of a probability, as in the output of `triage classify`."""


def name_of(level: Level, code: str, city: City) -> Bilingual | None:
    """Return the name of a category, topic or enterprise, None where the city has no such code."""
    tables: dict[Level, Mapping[str, Category | Topic | Enterprise]] = {
        "category": city.taxonomy.categories,
        "topic": city.taxonomy.topics,
        "enterprise": city.enterprises.enterprises,
    }
    found = tables[level].get(code)
    return None if found is None else found.name


def decision_answer(decision: Decision, city: City) -> DecisionAnswer:
    """Return the answer to a submitted appeal."""
    return DecisionAnswer(**_decision_fields(decision, city))


def stored_answer(stored: StoredDecision, city: City, *, masked: bool) -> StoredDecisionAnswer:
    """Return a stored decision with its appeal and reviews, personal data masked or not."""
    if masked:
        stored = mask_stored(stored)
    appeal = stored.decision.appeal
    return StoredDecisionAnswer(
        **_decision_fields(stored.decision, city),
        text=appeal.text,
        purged_at=stored.purged_at,
        channel=appeal.channel,
        address=appeal.address,
        district=appeal.district,
        coordinates=_point(appeal.coordinates),
        version=stored.version,
        review_state=stored.review_state,
        reviews=[_review_answer(review, city) for review in stored.reviews],
    )


def taxonomy_answer(taxonomy: Taxonomy) -> TaxonomyAnswer:
    """Return the categories with the topics that are offered."""
    categories = [
        CategoryAnswer(
            **_named(category.code, category.name),
            topics=[_topic_answer(topic) for topic in taxonomy.topics_of(category.code)],
        )
        for category in taxonomy.categories.values()
    ]
    return TaxonomyAnswer(version=taxonomy.version, categories=categories)


def enterprise_answer(enterprise: Enterprise) -> EnterpriseAnswer:
    """Return an enterprise as lists show it."""
    return EnterpriseAnswer(
        **_named(enterprise.id, enterprise.name),
        type=enterprise.type,
        district=enterprise.district,
        number=enterprise.number,
    )


def _decision_fields(decision: Decision, city: City) -> dict[str, Any]:
    appeal, versions = decision.appeal, decision.versions
    return {
        "decision_id": decision.id,
        "appeal_id": appeal.appeal_id,
        "language": decision.language,
        "category": _level_answer("category", decision, city),
        "topic": _level_answer("topic", decision, city),
        "enterprise": _enterprise_answer(decision, city),
        "action": decision.action,
        "reason": ReasonAnswer(
            code=decision.reason_code, ru=decision.reason.ru, kk=decision.reason.kk
        ),
        **_question_fields(decision),
        "secondary": _secondary_answer(decision, city),
        "route": _route_answer(decision),
        "urgency": _urgency_answer(decision),
        "due_at": decision.due_at,
        "received_at": appeal.received_at,
        "decided_at": decision.decided_at,
        "model": ModelAnswer(
            name=versions.model_name, version=versions.model_version, hash=versions.model_hash
        ),
        "versions": VersionsAnswer(
            taxonomy=versions.taxonomy,
            enterprises=versions.enterprises,
            policy=versions.policy,
            rules=versions.rules,
        ),
    }


def _question_fields(decision: Decision) -> dict[str, Any]:
    question = decision.route.question
    if question is None or decision.action is not Action.ASK:
        return {"question": None, "question_text": None}
    wordings = {"kk": question.kk, "mixed": f"{question.ru} / {question.kk}"}
    return {
        "question": QuestionAnswer(ru=question.ru, kk=question.kk),
        "question_text": wordings.get(decision.language, question.ru),
    }


def _secondary_answer(decision: Decision, city: City) -> CandidateAnswer | None:
    found = () if decision.secondary is None else (decision.secondary,)
    return next(iter(_candidate_answers("topic", found, city)), None)


def _route_answer(decision: Decision) -> RouteAnswer:
    route, text = decision.route, decision.appeal.text
    return RouteAnswer(
        rule=route.rule,
        reason_ru=route.reason.ru,
        reason_kk=route.reason.kk,
        places=[
            PlaceAnswer(
                kind=place.kind,
                normal=place.normal,
                start=place.start,
                end=place.end,
                confidence=place.confidence,
                text=text[place.start : place.end],
            )
            for place in route.places
        ],
        note_ru=route.note and route.note.ru,
        note_kk=route.note and route.note.kk,
    )


def _point(coordinates: Coordinates | None) -> Point | None:
    if coordinates is None:
        return None
    return Point(lat=coordinates.latitude, lon=coordinates.longitude)


def _enterprise_answer(decision: Decision, city: City) -> LevelAnswer | None:
    return _level_answer("enterprise", decision, city) if decision.route.enterprise else None


def _level_answer(level: Level, decision: Decision, city: City) -> LevelAnswer | None:
    candidates = _candidate_answers(level, decision.levels.get(level, ()), city)
    if not candidates:
        return None
    shortlist = decision.shortlists.get(level)
    return LevelAnswer(
        **candidates[0].model_dump(),
        candidates=candidates,
        shortlist=None if shortlist is None else list(shortlist),
    )


def _candidate_answers(
    level: Level, candidates: Iterable[Candidate], city: City
) -> list[CandidateAnswer]:
    return [
        CandidateAnswer(
            **_named(candidate.code, name_of(level, candidate.code, city)),
            probability=round(candidate.probability, DECIMALS),
        )
        for candidate in candidates
    ]


def _urgency_answer(decision: Decision) -> UrgencyAnswer:
    urgency = decision.urgency
    return UrgencyAnswer(
        urgent=urgency.urgent,
        probability=None if urgency.probability is None else round(urgency.probability, DECIMALS),
        danger_words=list(urgency.danger_words),
    )


def _review_answer(review: Review, city: City) -> ReviewAnswer:
    return ReviewAnswer(
        review_id=review.id,
        verdict=review.verdict,
        reviewer=review.reviewer,
        reviewed_at=review.reviewed_at,
        category=_named_answer("category", review.category, city),
        topic=_named_answer("topic", review.topic, city),
        enterprise=_named_answer("enterprise", review.enterprise, city),
        reason=review.reason,
    )


def _named_answer(level: Level, code: str | None, city: City) -> Named | None:
    return None if code is None else Named(**_named(code, name_of(level, code, city)))


def _topic_answer(topic: Topic) -> TopicAnswer:
    return TopicAnswer(**_named(topic.code, topic.name), sla_hours=topic.sla_hours)


def _named(code: str, name: Bilingual | None) -> dict[str, Any]:
    return {"code": code, "name_ru": name and name.ru, "name_kk": name and name.kk}
