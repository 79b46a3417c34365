"""Fits a hierarchy: every weight in it, on out-of-fold margins; and weighs held-out texts by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from models import calibration
from models.classifier import Floats, LinearHead
from models.hierarchy import START_WEIGHT, Chain, Hierarchy, Link, enterprise_shares
from models.prediction import LEVELS, Level
from models.toplabel import BetaCurve
from training.heads import OutOfFold, Task
from training.splits import Indices

NAMES = "names"
"""Where among out-of-fold margins the evidence of proper names stands, if there is any."""


def fit_hierarchy(
    heads: Mapping[str, LinearHead],
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    parents: Mapping[str, str] | None = None,
) -> Hierarchy:
    """Fit every weight of a hierarchy, and the curves over what comes of them.

    Parameters
    ----------
    parents
        Category of each topic that has a column and no row that would tell.
    """
    hierarchy = _fit_levels(heads, tasks, out_of_fold, parents or {})
    names_weight = fit_names_weight(heads, tasks, out_of_fold, hierarchy)
    hierarchy = replace(hierarchy, names_weight=names_weight)
    return replace(hierarchy, curves=fit_curves(heads, tasks, out_of_fold, hierarchy))


def _fit_levels(
    heads: Mapping[str, LinearHead],
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    parents: Mapping[str, str],
) -> Hierarchy:
    """Fit the chain, the link and the weights of heads that are in neither."""
    has_chain = {"category", "topic"} <= heads.keys()
    chain = fit_chain(heads, tasks, out_of_fold, parents) if has_chain else None
    in_chain = {"category", "topic"} if chain else set()
    weights: dict[Level, float] = {
        level: fit_weight(heads[level], tasks[level], out_of_fold)
        for level in LEVELS
        if level in heads.keys() - in_chain
    }
    if not {"topic", "enterprise"} <= heads.keys():
        return Hierarchy(chain, None, weights)
    without_link = Hierarchy(chain, None, weights)
    link = fit_link(heads, tasks, out_of_fold, without_link)
    return Hierarchy(chain, link, {name: w for name, w in weights.items() if name != "enterprise"})


def fit_weight(head: LinearHead, task: Task, out_of_fold: OutOfFold) -> float:
    """Fit the inverse temperature of one head."""
    columns = task.at(out_of_fold.rows).columns(head.classes)
    known = columns >= 0
    if not known.any():
        return START_WEIGHT
    return calibration.fit_weight(out_of_fold.stacked(task.name)[known], columns[known])


def fit_chain(
    heads: Mapping[str, LinearHead],
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    parents: Mapping[str, str] | None = None,
) -> Chain:
    """Find each topic's category and fit the chain's weights.

    Parameters
    ----------
    parents
        As of `fit_hierarchy`.
    """
    categories = tasks["category"].columns(heads["category"].classes)
    topics = tasks["topic"].columns(heads["topic"].classes)
    above = np.zeros(len(heads["topic"].classes), dtype=np.int64)
    above[topics[topics >= 0]] = categories[topics >= 0]
    for topic, category in (parents or {}).items():
        above[heads["topic"].classes.index(topic)] = heads["category"].classes.index(category)
    chain = Chain(above, START_WEIGHT, START_WEIGHT, START_WEIGHT)
    rows = out_of_fold.rows
    known = categories[rows] >= 0
    if not known.any():
        return chain
    return calibration.fit_chain(
        chain,
        out_of_fold.stacked("category")[known],
        out_of_fold.stacked("topic")[known],
        categories[rows][known],
        topics[rows][known],
    )


def fit_link(
    heads: Mapping[str, LinearHead],
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    hierarchy: Hierarchy,
) -> Link:
    """Count who was responsible for what, and fit the link's weights.

    Each fold is weighed with the counts of its own training rows, so that no row's own label
    speaks for it.
    """
    enterprises = tasks["enterprise"].columns(heads["enterprise"].classes)
    link = Link(count_shares(heads, tasks, np.arange(len(enterprises))))
    known = enterprises[out_of_fold.rows] >= 0
    if not known.any():
        return link
    log_shares = [
        Link(count_shares(heads, tasks, train)).log_shares(
            hierarchy.probabilities(_margins(heads, out_of_fold, fold))["topic"]
        )
        for fold, (train, _) in enumerate(out_of_fold.splits)
    ]
    return calibration.fit_link(
        link,
        out_of_fold.stacked("enterprise")[known],
        np.concatenate(log_shares)[known],
        enterprises[out_of_fold.rows][known],
    )


def count_shares(
    heads: Mapping[str, LinearHead], tasks: Mapping[str, Task], rows: Indices
) -> Floats:
    """Return the shares that enterprises have of each topic on some of the rows."""
    topics = tasks["topic"].columns(heads["topic"].classes)
    enterprises = tasks["enterprise"].columns(heads["enterprise"].classes)
    both = rows[(topics[rows] >= 0) & (enterprises[rows] >= 0)]
    shape = (len(heads["topic"].classes), len(heads["enterprise"].classes))
    return enterprise_shares(topics[both], enterprises[both], shape)


def held_out_probabilities(
    heads: Mapping[str, LinearHead],
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    hierarchy: Hierarchy,
) -> dict[Level, Floats]:
    """Return the probabilities of all levels for the rows that were held out, fold by fold.

    Shares are counted on each fold's own training rows: with those of all rows, a held-out label
    would speak for itself.
    """
    folds = []
    for fold, (train, _) in enumerate(out_of_fold.splits):
        link = hierarchy.link and replace(hierarchy.link, shares=count_shares(heads, tasks, train))
        margins = _margins(heads, out_of_fold, fold)
        evidence = out_of_fold.margins[NAMES][fold] if NAMES in out_of_fold.margins else None
        folds.append(replace(hierarchy, link=link).probabilities(margins, evidence))
    return {level: np.concatenate([one[level] for one in folds]) for level in (folds or [{}])[0]}


def fit_names_weight(
    heads: Mapping[str, LinearHead],
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    hierarchy: Hierarchy,
) -> float:
    """Fit what the evidence of proper names counts, 0 where there is none."""
    if not out_of_fold.margins.get(NAMES):
        return 0.0
    columns = tasks["enterprise"].at(out_of_fold.rows).columns(heads["enterprise"].classes)
    known = columns >= 0
    found = held_out_probabilities(heads, tasks, out_of_fold, hierarchy)["enterprise"]
    return calibration.fit_evidence_weight(
        found[known], out_of_fold.stacked(NAMES)[known], columns[known]
    )


def fit_curves(
    heads: Mapping[str, LinearHead],
    tasks: Mapping[str, Task],
    out_of_fold: OutOfFold,
    hierarchy: Hierarchy,
) -> dict[Level, BetaCurve]:
    """Fit, for each level, how often its choice is right to what it claims."""
    curves: dict[Level, BetaCurve] = {}
    found = held_out_probabilities(heads, tasks, out_of_fold, hierarchy)
    for level, probabilities in found.items():
        task = tasks[level].at(out_of_fold.rows)
        claimed, chosen = probabilities.max(axis=1), probabilities.argmax(axis=1)
        # A label that the folds' heads have never seen counts as wrong, as it will in service.
        correct = chosen == task.columns(heads[level].classes)
        curves[level] = calibration.fit_curve(claimed[task.rows], correct[task.rows])
    return curves


def _margins(
    heads: Mapping[str, LinearHead], out_of_fold: OutOfFold, fold: int
) -> dict[Level, Floats]:
    return {level: out_of_fold.margins[level][fold] for level in LEVELS if level in heads}
