"""What a model answers to labelled appeals at each level, and which answers go unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.prediction import CANDIDATES, LEVELS, Prediction
from models.registry import LoadedModel
from training.benchmark.promise import routed_unseen
from training.data import Examples
from training.evaluate import choices_of, predict
from training.leaveout import ROUTED
from training.metrics import TOP, Choices, Rows
from triage.appeal import Action, Appeal, Route
from triage.citydata import City, load_city
from triage.config import STARTER_DATA
from triage.decide import rule
from triage.policy import Policy
from triage.progress import Reporter
from triage.routing import Router
from triage.rulefile import load_city_rules
from triage.serving import Serving
from triage.urgency import DangerWords

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """What a model answers at one level.

    Attributes
    ----------
    unseen
        Shape (n,), whether the precision contract lets the choice through without a person.
    """

    choices: Choices
    unseen: Mask

    def at(self, rows: Rows) -> Answers:
        """Return the answers to some of the appeals."""
        return Answers(self.choices.at(rows), self.unseen[rows])

    @property
    def labelled(self) -> Answers:
        """The answers to appeals whose label is known."""
        return self.at(np.array([label is not None for label in self.choices.true], dtype=bool))


@dataclass(frozen=True)
class CityRules:
    """A city's tables and rules, under which models decide as they would in service."""

    city: City
    router: Router
    danger_words: DangerWords

    @classmethod
    def load(cls, folder: Path) -> CityRules:
        """Read a city's folder.

        Raises
        ------
        InvalidCityFileError
        """
        city = load_city(folder)
        danger_words = DangerWords.load(STARTER_DATA / "danger_words.tsv")
        return cls(city, Router.of(city, load_city_rules(folder, city)), danger_words)

    def serving(self, loaded: LoadedModel, policy: Policy) -> Serving:
        """Make a model ready to decide.

        Raises
        ------
        IncompatibleModelError
            The city's taxonomy does not know its labels.
        """
        return Serving.of(
            loaded,
            city=self.city,
            router=self.router,
            danger_words=self.danger_words,
            policy=policy,
        )


def answers_of(
    loaded: LoadedModel,
    examples: Examples,
    policy: Policy,
    rules: CityRules | None,
    progress: Reporter,
) -> dict[str, Answers]:
    """Ask a model about every appeal.

    Returns
    -------
    answers
        By level of the model; with the rules of a city also at `ROUTED`, as the service would
        decide. The last level is the one that appeals are routed by.
    """
    table = examples.table
    predictions = predict(loaded.model, list(table["text"]), progress)
    chosen = choices_of(predictions, table)
    answers = {
        str(level): Answers(
            chosen[level], routed_unseen(loaded.model, level, predictions, policy)[0]
        )
        for level in LEVELS
        if level in chosen
    }
    if rules is not None:
        answers[ROUTED] = _routed(rules.serving(loaded, policy), predictions, table, progress)
    return answers


def _routed(
    serving: Serving, predictions: Sequence[Prediction], table: pd.DataFrame, progress: Reporter
) -> Answers:
    best = np.full((len(table), TOP), None, dtype=object)
    probabilities = np.zeros((len(table), CANDIDATES))
    unseen = np.zeros(len(table), dtype=bool)
    rows = zip(table["text"], table["received_at"], predictions, strict=True)
    for row, (text, at, prediction) in enumerate(progress.track("routing", rows, len(table))):
        route, action = _decided(serving, Appeal(text=text), prediction, at or datetime.now(UTC))
        found = route.candidates
        best[row, : min(len(found), TOP)] = [candidate.code for candidate in found[:TOP]]
        probabilities[row, : len(found)] = [candidate.probability for candidate in found]
        unseen[row] = action is Action.AUTO
    true = table["enterprise"].to_numpy(dtype=object)
    return Answers(Choices(true, best, probabilities[:, 0], probabilities[:, 1]), unseen)


def _decided(
    serving: Serving, appeal: Appeal, prediction: Prediction, at: datetime
) -> tuple[Route, Action]:
    context = serving.context
    route, where = context.router.route(appeal, prediction, context.join, at.date())
    return route, rule(prediction, route, where, context).action
