"""What holds of every decision, whatever the appeal was."""

from __future__ import annotations

import json
from itertools import pairwise
from math import isclose, isfinite

from api.schemas.present import decision_answer
from models.prediction import CANDIDATES, Candidate, Prediction
from triage.appeal import Action, Decision
from triage.citydata import City
from triage.decide import input_hash
from triage.entries import decision_digest
from triage.messages import REASONS
from triage.store import rows

ROUNDING = 1e-9
SUM_ROUNDING = 1e-6
"""Where a model is very sure, correcting its surest label loses less than this of the others."""


def check_prediction(prediction: Prediction) -> None:
    """Check that the probabilities of each level are probabilities, and agree."""
    assert 0 <= prediction.evidence <= 1
    for level, distribution in prediction.distributions.items():
        probabilities = distribution.probabilities
        assert float(probabilities.min()) >= 0, level
        assert isclose(float(probabilities.sum()), 1, abs_tol=SUM_ROUNDING), level
        assert prediction.levels[level][0].probability == probabilities.max(), level
    assert prediction.urgency is None or 0 <= prediction.urgency <= 1


def check_decision(decision: Decision, city: City) -> None:
    """Check everything that intake systems, reviewers and the ledger rely on."""
    for candidates in decision.levels.values():
        _check_candidates(candidates)
    category, topic = decision.chosen("category"), decision.chosen("topic")
    assert category is not None
    assert topic is not None
    assert city.taxonomy.parent(topic.code) == category.code
    for level, codes in decision.shortlists.items():
        assert codes, level
        assert len(set(codes)) == len(codes), level
    _check_route(decision, city)
    _check_action(decision)
    assert decision.urgency.urgent or not decision.urgency.danger_words
    assert decision.due_at is None or decision.due_at > (
        decision.appeal.received_at or decision.decided_at
    )
    _check_stored_and_answered(decision, city)


def _check_candidates(candidates: tuple[Candidate, ...]) -> None:
    probabilities = [one.probability for one in candidates]
    assert 1 <= len(candidates) <= CANDIDATES
    assert len({one.code for one in candidates}) == len(candidates)
    assert all(isfinite(one) and 0 <= one <= 1 for one in probabilities)
    assert all(above >= below for above, below in pairwise(probabilities))
    assert sum(probabilities) <= 1 + ROUNDING


def _check_route(decision: Decision, city: City) -> None:
    route = decision.route
    assert not route.failures
    assert 0 <= route.probability <= 1 + ROUNDING
    if route.enterprise is not None:
        assert city.enterprises.get(route.enterprise) is not None
        assert route.enterprise in {one.code for one in route.candidates}
    assert route.candidates == decision.levels.get("enterprise", ())
    for place in route.places:
        assert 0 <= place.start < place.end <= len(decision.appeal.text)


def _check_action(decision: Decision) -> None:
    assert decision.reason_code in REASONS
    assert decision.reason.ru
    assert decision.reason.kk
    if decision.action is Action.AUTO:
        assert decision.reason_code == "contract_kept"
        assert decision.route.enterprise is not None
    if decision.action is Action.ASK:
        assert decision.reason_code == "place_missing"
        assert decision.route.question is not None
    assert (decision.action is Action.AUTO) == (decision.reason_code == "contract_kept")
    assert (decision.action is Action.ASK) == (decision.reason_code == "place_missing")


def _check_stored_and_answered(decision: Decision, city: City) -> None:
    assert len(decision_digest(decision)) == len(input_hash(decision.appeal)) == 64
    assert decision.input_hash == input_hash(decision.appeal)
    json.dumps(rows.decision_columns(decision), default=str, allow_nan=False).encode()
    answer = json.loads(decision_answer(decision, city).model_dump_json())
    assert answer["decision_id"] == decision.id
    assert answer["action"] == decision.action
