"""The decision itself, pure: an appeal, what the model says of it and what the city knows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from models.conformal import PredictionSets
from models.prediction import Candidate, Level, Prediction
from models.selective import Contract
from triage import messages
from triage.appeal import Action, Appeal, Bilingual, Decision, Route, Urgency, Versions
from triage.citydata import City
from triage.joining import Join
from triage.policy import Policy
from triage.routing import Router
from triage.urgency import DangerWords
from triage.whereabouts import Whereabouts

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that a decision depends on besides the appeal and the prediction.

    Attributes
    ----------
    router, join
        Routes by rules and history, and how the two are joined.
    contract
        The contract of the level that is routed by: enterprise.
    sets
        What makes the shortlists of other levels, for those that there were examples of.
    """

    city: City
    router: Router
    join: Join
    danger_words: DangerWords
    policy: Policy
    contract: Contract
    sets: Mapping[Level, PredictionSets]
    versions: Versions


@dataclass(frozen=True, slots=True)
class Ruling:
    """An action and why."""

    action: Action
    code: str
    reason: Bilingual


def decide(
    appeal: Appeal, prediction: Prediction, context: Context, *, decision_id: str, at: datetime
) -> Decision:
    """Decide on one appeal; the same arguments always give the same decision."""
    received_at = appeal.received_at or at
    chosen_route, where = context.router.route(appeal, prediction, context.join, received_at.date())
    urgency = assess_urgency(appeal, prediction, context)
    ruling = rule(prediction, chosen_route, where, context)
    topic = prediction.top("topic")
    return Decision(
        id=decision_id,
        appeal=appeal,
        language=prediction.language,
        levels=_levels(prediction, chosen_route),
        action=ruling.action,
        reason_code=ruling.code,
        reason=ruling.reason,
        route=chosen_route,
        urgency=urgency,
        due_at=due_at(topic, received_at, urgency, context),
        versions=context.versions,
        input_hash=input_hash(appeal),
        decided_at=at,
        secondary=secondary_topic(prediction, context),
        shortlists=shortlists(prediction, context),
    )


def assess_urgency(appeal: Appeal, prediction: Prediction, context: Context) -> Urgency:
    """Join the model's word on urgency with danger words, which the model can't overrule."""
    danger_words = context.danger_words.find(appeal.text)
    likely = (prediction.urgency or 0.0) >= context.policy.urgent_probability
    return Urgency(bool(danger_words) or likely, prediction.urgency, danger_words)


def rule(prediction: Prediction, chosen: Route, where: Whereabouts, context: Context) -> Ruling:
    """Say what happens next; the first reason that holds is the one given."""
    if chosen.failures:
        rules = ", ".join(f"«{failure.rule}»" for failure in chosen.failures)
        return _review("rule_failed", rules=rules)
    if prediction.language == "other":
        return _review("unknown_language")
    if prediction.evidence == 0:
        return _review("no_evidence")
    if chosen.enterprise is None:
        return _review("no_enterprise")
    if where.conflicts or _is_elsewhere(where.district, chosen.enterprise, context.city):
        return _review("district_conflict")
    if chosen.question is not None:
        reason = messages.fill(messages.REASONS["place_missing"], question=chosen.question)
        return Ruling(Action.ASK, "place_missing", reason)
    return _by_contract(chosen.enterprise, chosen.probability, prediction.language, context)


def shortlists(prediction: Prediction, context: Context) -> dict[Level, tuple[str, ...]]:
    """Return the codes of each level's prediction set, the most probable first."""
    return {
        level: sets.of(prediction.distributions[level].probabilities)
        for level, sets in context.sets.items()
        if level in prediction.distributions
    }


def secondary_topic(prediction: Prediction, context: Context) -> Candidate | None:
    """Return a topic of another category that is probable enough to be a second problem."""
    first = prediction.top("topic")
    taxonomy = context.city.taxonomy
    if first is None or first.code not in taxonomy.topics:
        return None
    for other in prediction.levels["topic"][1:]:
        if other.probability < context.policy.secondary_probability:
            return None
        known = taxonomy.topics.get(other.code)
        if known and known.category != taxonomy.parent(first.code):
            return other
    return None


def due_at(
    topic: Candidate | None, received_at: datetime, urgency: Urgency, context: Context
) -> datetime | None:
    """Return when an answer is due: by the topic's hours, sooner if urgent; None if unknown."""
    known = topic and context.city.taxonomy.topics.get(topic.code)
    hours = [known.sla_hours] if known else []
    if urgency.urgent:
        hours.append(context.policy.urgent_hours)
    return received_at + timedelta(hours=min(hours)) if hours else None


def input_hash(appeal: Appeal) -> str:
    """Return the SHA-256 of an appeal's canonical JSON, hexadecimal."""
    # Without `asdict`, which copies all that it finds.
    given: dict[str, Any] = {field.name: getattr(appeal, field.name) for field in fields(appeal)}
    if appeal.received_at is not None:
        given["received_at"] = appeal.received_at.astimezone(UTC).isoformat()
    if appeal.coordinates is not None:
        given["coordinates"] = asdict(appeal.coordinates)
    for added in ("coordinates", "sender"):
        if given[added] is None:
            del given[added]  # so that appeals of before there were any keep their hash
    content = _ENCODER.encode(given)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _levels(prediction: Prediction, chosen: Route) -> dict[Level, tuple[Candidate, ...]]:
    levels = {level: found for level, found in prediction.levels.items() if level != "enterprise"}
    return levels | ({"enterprise": chosen.candidates} if chosen.candidates else {})


def _by_contract(enterprise: str, probability: float, language: str, context: Context) -> Ruling:
    target = messages.percent(context.policy.target_precision)
    if not context.contract.n_examples:
        return _review("no_sample", target=target)
    part = context.contract.part(language, enterprise)
    if part.threshold is None:
        return _review("no_threshold", target=target)
    numbers = {
        "probability": messages.percent(probability),
        "threshold": messages.percent(part.threshold),
        "target": target,
    }
    if not part.covers(probability):
        return _review("below_threshold", **numbers)
    reason = messages.tell(messages.REASONS["contract_kept"], **numbers)
    return Ruling(Action.AUTO, "contract_kept", reason)


def _is_elsewhere(district: str | None, enterprise: str, city: City) -> bool:
    found = city.enterprises.get(enterprise)
    if district is None or found is None or found.district is None:
        return False
    return found.district != district


def _review(code: str, **values: str) -> Ruling:
    return Ruling(Action.REVIEW, code, messages.tell(messages.REASONS[code], **values))
