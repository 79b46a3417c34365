"""Fits how rules and history are joined, on probabilities of models that did not see the texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, logit

from models.calibration import negative_log_likelihood
from models.classifier import Floats, LinearHead
from models.prediction import Distribution, Level
from training.splits import Indices
from triage.appeal import Appeal
from triage.joining import Join
from triage.routing import Router, rule_shares
from triage.whereabouts import Whereabouts

MAX_ROWS = 20_000
"""Rows that three weights are fitted on; more would change nothing but the time."""

START = Join(model_weight=0.1, rules_weight=1.0, history_share=0.05)


@dataclass(frozen=True)
class Proposals:
    """What history and the rules say of some appeals, yet to be joined.

    Attributes
    ----------
    rows
        Shape (n,), rows of the appeals.
    model, rules
        Shape (n, n_codes): the model's probabilities, and the share of each enterprise by the
        rules.
    """

    rows: Indices
    model: Floats
    rules: Floats

    def joined(self, join: Join) -> Floats:
        """Return joint probabilities, shape (n, n_codes)."""
        named = self.rules.sum(axis=1, keepdims=True) > 0
        # The router joins only those that somebody names: elsewhere the floor would add up.
        somebody = (self.model > 0) | (self.rules > 0)
        pooled = np.where(somebody, join.probabilities(self.model, self.rules), 0.0)
        pooled /= np.maximum(pooled.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        return np.where(named, pooled, self.model)


@dataclass(frozen=True)
class RoutedAppeals:
    """Appeals of a city with where they are about, ready to be routed under any topics.

    Attributes
    ----------
    where
        By row, of those rows that may be asked for.
    codes
        Enterprises that rules or history may name: columns of what is joined.
    """

    router: Router
    texts: tuple[str, ...]
    days: tuple[date, ...]
    where: Mapping[int, Whereabouts]
    topics: tuple[str, ...]
    enterprises: tuple[str, ...]
    codes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        router: Router,
        table: pd.DataFrame,
        heads: Mapping[Level, LinearHead],
        rows: Iterable[int],
    ) -> RoutedAppeals:
        """Locate the appeals in some rows of a table."""
        texts = tuple(table["text"])
        times = [time or datetime.now(UTC) for time in table["received_at"]]
        enterprises = heads["enterprise"].classes
        return cls(
            router=router,
            texts=texts,
            days=tuple(time.date() for time in times),
            where={row: router.locator.locate(Appeal(text=texts[row])) for row in rows},
            topics=heads["topic"].classes,
            enterprises=enterprises,
            codes=tuple(sorted(router.active | set(enterprises))),
        )

    def propose(self, rows: Indices, probabilities: Mapping[Level, Floats]) -> Proposals:
        """Ask history and the rules.

        Parameters
        ----------
        probabilities
            Of topic and enterprise, shape (n_rows, n_classes).
        """
        model = self.history(probabilities["enterprise"])
        return Proposals(rows, model, self.rules(rows, probabilities["topic"]))

    def rules(self, rows: Indices, topics: Floats) -> Floats:
        """Return the share of each enterprise by the rules, shape (n_rows, n_codes)."""
        column = {code: place for place, code in enumerate(self.codes)}
        shares = np.zeros((len(rows), len(self.codes)))
        for place, row in enumerate(rows):
            distribution = Distribution(self.topics, topics[place])
            where = self.router.reread(self.where[row], distribution)
            fired = self.router.fire(self.texts[row], where, distribution, self.days[row])
            for code, share in rule_shares(fired, distribution).items():
                shares[place, column[code]] = share
        return shares

    def history(self, enterprises: Floats) -> Floats:
        """Return the model's probabilities in the columns of `codes`."""
        model = np.zeros((len(enterprises), len(self.codes)))
        model[:, np.searchsorted(self.codes, self.enterprises)] = enterprises
        guessed = np.array([code in self.router.bound for code in self.codes])
        return np.where(guessed, 0.0, model)

    def labels(self, table: pd.DataFrame) -> Indices:
        """Return the column of each true enterprise among `codes`, -1 where there is none."""
        column = {code: place for place, code in enumerate(self.codes)}
        return np.array([column.get(code, -1) for code in table["enterprise"]], dtype=np.int64)


def fit_join(proposals: Proposals, labels: Indices) -> Join:
    """Fit the three weights of a join.

    Parameters
    ----------
    proposals
        Of models that did not see the appeals.
    labels
        Shape (n,), column of the true enterprise among the appeals' codes.
    """
    if not len(labels):
        return Join()
    model, rules = proposals.model[:MAX_ROWS], proposals.rules[:MAX_ROWS]
    true = labels[:MAX_ROWS]

    def join_of(logarithms: Floats) -> Join:
        weights = np.exp(logarithms[:2])
        model_weight, rules_weight = (round(float(weight), 6) for weight in weights)
        return Join(model_weight, rules_weight, float(expit(logarithms[2])))

    def loss(logarithms: Floats) -> float:
        joint = join_of(logarithms).probabilities(model, rules)
        return negative_log_likelihood(np.log(joint), true)

    start = [*np.log([START.model_weight, START.rules_weight]), logit(START.history_share)]
    fitted = minimize(loss, start, method="Nelder-Mead", options={"xatol": 0.01, "fatol": 1e-4})
    return join_of(fitted.x)
