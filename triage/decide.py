"""The decision itself, pure: an appeal, what the model says of it and what the city knows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from models.prediction import Candidate, Level, Prediction
from models.selective import Contract
from triage import messages
from triage.appeal import Action, Appeal, Bilingual, Decision, Route, Urgency, Versions
from triage.citydata import City
from triage.policy import Policy
from triage.routing import route
from triage.urgency import DangerWords


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that a decision depends on besides the appeal and the prediction.

    Attributes
    ----------
    contract
        The contract of the level that is routed by: enterprise.
    """

    city: City
    danger_words: DangerWords
    policy: Policy
    contract: Contract
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
    chosen_route = route(prediction.levels.get("enterprise", ()), context.city.enterprises)
    urgency = assess_urgency(appeal, prediction, context)
    ruling = rule(appeal, prediction, chosen_route, context)
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
        due_at=due_at(topic, appeal.received_at or at, urgency, context),
        versions=context.versions,
        input_hash=input_hash(appeal),
        decided_at=at,
    )


def assess_urgency(appeal: Appeal, prediction: Prediction, context: Context) -> Urgency:
    """Join the model's word on urgency with danger words, which the model can't overrule."""
    danger_words = context.danger_words.find(appeal.text)
    likely = (prediction.urgency or 0.0) >= context.policy.urgent_probability
    return Urgency(bool(danger_words) or likely, prediction.urgency, danger_words)


def rule(appeal: Appeal, prediction: Prediction, chosen: Route, context: Context) -> Ruling:
    """Say whether a person must look; the first reason that holds is the one given."""
    probability, contract = chosen.probability, context.contract
    if prediction.language == "other":
        return _review("unknown_language")
    if prediction.evidence == 0:
        return _review("no_evidence")
    if chosen.enterprise is None:
        return _review("no_enterprise")
    if _is_elsewhere(appeal, chosen.enterprise, context.city):
        return _review("district_conflict")
    target = messages.percent(context.policy.target_precision)
    if contract.threshold is None:
        return _review("no_threshold", target=target)
    numbers = {
        "probability": messages.percent(probability),
        "threshold": messages.percent(contract.threshold),
        "target": target,
    }
    if not contract.covers(probability):
        return _review("below_threshold", **numbers)
    reason = messages.tell(messages.REASONS["contract_kept"], **numbers)
    return Ruling(Action.AUTO, "contract_kept", reason)


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
    fields: dict[str, Any] = asdict(appeal)
    if appeal.received_at is not None:
        fields["received_at"] = appeal.received_at.astimezone(UTC).isoformat()
    content = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _levels(prediction: Prediction, chosen: Route) -> dict[Level, tuple[Candidate, ...]]:
    levels = {level: found for level, found in prediction.levels.items() if level != "enterprise"}
    return levels | ({"enterprise": chosen.candidates} if chosen.candidates else {})


def _is_elsewhere(appeal: Appeal, enterprise: str, city: City) -> bool:
    found = city.enterprises.get(enterprise)
    if appeal.district is None or found is None or found.district is None:
        return False
    return found.district != appeal.district


def _review(code: str, **values: str) -> Ruling:
    return Ruling(Action.REVIEW, code, messages.tell(messages.REASONS[code], **values))
