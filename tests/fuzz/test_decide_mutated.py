"""Mutated appeals through the request's checks and `decide`: refused with a code, or decided."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from decision_checks import check_decision, check_prediction
from mutated_appeals import Mutator
from pydantic import ValidationError
from results_page import RELIABILITY

from api.bootstrap import DANGER_WORDS
from api.errors import of_invalid_request
from api.pseudonym import Pseudonyms
from api.schemas.requests import ClassifyRequest
from models import folder
from models.registry import LoadedModel
from training.starter import fit_starter
from triage.appeal import Appeal
from triage.citydata import load_city
from triage.config import STARTER_DATA, Settings, load_settings
from triage.decide import decide
from triage.errors import InvalidAppealError
from triage.progress import Silent
from triage.routing import Router
from triage.rulefile import load_city_rules
from triage.serving import Serving
from triage.urgency import DangerWords

SHORT = 600
FULL = int(os.environ.get("MUTATED_INPUTS", "1_000_000"))
COMMAND = f"MUTATED_INPUTS={FULL} pytest -m soak tests/fuzz/test_decide_mutated.py"
BATCH = 200
AGAIN = 50
"""Every so many decisions one is made again, alone: it must come out the same."""

SEED = 20_261_123
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DECISION_ID = "01936b3e-0000-7000-8000-000000000000"

CITY = load_city(STARTER_DATA)
PSEUDONYMS = Pseudonyms(b"secret of these tests", "astana")


@dataclass
class Tally:
    """What became of the inputs."""

    decided: int = 0
    characters: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        return self.decided + self.refused.total() + len(self.failures)

    def figures(self) -> dict[str, int]:
        return {
            "inputs": self.inputs,
            "decided": self.decided,
            "refused": self.refused.total(),
            "failures": len(self.failures),
        }

    def details(self) -> dict[str, Any]:
        names = ("refused", "actions", "reasons", "languages")
        counts = {name: dict(sorted(getattr(self, name).items())) for name in names}
        return {"characters": self.characters, **counts}


def serving_of(model_folder: Path) -> Serving:
    return Serving.of(
        LoadedModel(folder.load(model_folder), "mutated", "folder"),
        city=CITY,
        router=Router.of(CITY, load_city_rules(STARTER_DATA, CITY)),
        danger_words=DangerWords.load(DANGER_WORDS),
        policy=Settings().policy,
    )


def to_appeal(request: dict[str, Any], tally: Tally) -> Appeal | None:
    """Return the appeal of a request, None where it is refused; a refusal has a code and words."""
    try:
        return ClassifyRequest.model_validate(request).to_appeal(CITY, PSEUDONYMS)
    except ValidationError as error:
        failure = of_invalid_request(error.errors(include_url=False))
        assert failure.errors
        assert all(one.message for one in failure.errors)
        tally.refused[failure.code] += 1
    except InvalidAppealError as error:
        tally.refused[error.code] += 1
    return None


def run(serving: Serving, inputs: int) -> Tally:
    """Send mutated appeals through; what fails is counted, and told by its number."""
    mutator, tally = Mutator(SEED), Tally()
    for start in range(0, inputs, BATCH):
        numbers = range(start, min(start + BATCH, inputs))
        found = {number: to_appeal(mutator.request(number), tally) for number in numbers}
        appeals = {number: appeal for number, appeal in found.items() if appeal is not None}
        decide_batch(serving, appeals, tally)
    return tally


def decide_batch(serving: Serving, appeals: dict[int, Appeal], tally: Tally) -> None:
    predictions = serving.loaded.model.predict(
        [appeal.text for appeal in appeals.values()],
        [appeal.language for appeal in appeals.values()],
    )
    for (number, appeal), prediction in zip(appeals.items(), predictions, strict=True):
        try:
            check_prediction(prediction)
            decision = decide(appeal, prediction, serving.context, decision_id=DECISION_ID, at=NOW)
            check_decision(decision, CITY)
            if number % AGAIN == 0:
                assert serving.decide(appeal, decision_id=DECISION_ID, at=NOW) == decision
        except Exception as error:  # any at all is a failure, and the rest must be tried
            tally.failures.append(f"{number}: {error!r}"[:500])
            continue
        tally.decided += 1
        tally.characters += len(appeal.text)
        tally.actions[decision.action] += 1
        tally.reasons[decision.reason_code] += 1
        tally.languages[decision.language] += 1


def report(tally: Tally, serving: Serving, seconds: float, cpu_seconds: float) -> None:
    RELIABILITY.record(
        "mutated",
        "checked and decided",
        {**tally.figures(), "seconds": round(seconds)},
        command=COMMAND,
        details={
            "model": serving.loaded.model.info.encoder,
            "seed": SEED,
            "cpu_seconds": round(cpu_seconds),
            **tally.details(),
        },
    )


@pytest.fixture
def starter_folder(tmp_path: Path) -> Path:
    """The model that the service starts with: the one at hand, else fitted now."""
    at_hand = load_settings().home / "starter"
    if folder.is_model(at_hand):
        return at_hand
    fit_starter(tmp_path / "starter", encoder="static", progress=Silent())
    return tmp_path / "starter"


def test_decide_mutated_appeals_are_decided_or_refused(model_folder: Path) -> None:
    tally = run(serving_of(model_folder), SHORT)

    assert tally.failures == []
    assert tally.inputs == SHORT
    assert tally.decided > SHORT / 2
    assert tally.refused.total() > SHORT / 50


def test_mutator_same_number_is_the_same_request() -> None:
    assert Mutator(SEED).request(7) == Mutator(SEED).request(7) != Mutator(SEED + 1).request(7)


@pytest.mark.soak
def test_decide_a_million_mutated_appeals_none_fails(starter_folder: Path) -> None:
    serving = serving_of(starter_folder)
    began, cpu_began = time.monotonic(), time.process_time()
    tally = run(serving, FULL)
    report(tally, serving, time.monotonic() - began, time.process_time() - cpu_began)

    assert tally.failures == []
    assert tally.inputs == FULL
