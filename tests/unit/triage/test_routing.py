from __future__ import annotations

from models.prediction import Candidate
from triage import messages
from triage.appeal import Bilingual
from triage.enterprises import Enterprise, EnterpriseRegistry
from triage.routing import route

NAME = Bilingual("имя", "аты")
REGISTRY = EnterpriseRegistry.of(
    [
        Enterprise("A", "utility", NAME),
        Enterprise("B", "utility", NAME),
        Enterprise("CLOSED", "utility", NAME, active=False),
    ]
)


def test_route_takes_the_first_active_proposal_and_keeps_the_others_in_order() -> None:
    proposed = [
        Candidate("CLOSED", 0.5),
        Candidate("B", 0.3),
        Candidate("b", 0.15),
        Candidate("A", 0.05),
    ]
    found = route(iter(proposed), REGISTRY)
    assert (found.enterprise, found.probability) == ("B", 0.3)
    assert found.candidates == (proposed[1], proposed[3])
    assert (found.rule, found.reason) == ("history", messages.RULES["history"])


def test_route_without_an_active_proposal_names_nobody_and_says_why() -> None:
    for proposed in ([], [Candidate("CLOSED", 0.9), Candidate("GONE", 0.1)]):
        found = route(proposed, REGISTRY)
        assert (found.enterprise, found.probability, found.candidates) == (None, 0.0, ())
        assert (found.rule, found.reason) == ("none", messages.RULES["none"])
