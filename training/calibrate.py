"""Fits a hierarchy: every weight in it, on out-of-fold margins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models import calibration
from models.classifier import Floats, LinearHead
from models.hierarchy import START_WEIGHT, Chain, Hierarchy, Link, enterprise_shares
from models.prediction import LEVELS, Level
from training.heads import OutOfFold, Task
from training.splits import Indices


def fit_hierarchy(
    heads: Mapping[str, LinearHead], tasks: Mapping[str, Task], out_of_fold: OutOfFold
) -> Hierarchy:
    """Fit the chain, the link and the weights of heads that are in neither."""
    chain = fit_chain(heads, tasks, out_of_fold) if {"category", "topic"} <= heads.keys() else None
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
    heads: Mapping[str, LinearHead], tasks: Mapping[str, Task], out_of_fold: OutOfFold
) -> Chain:
    """Find each topic's category and fit the chain's weights."""
    categories = tasks["category"].columns(heads["category"].classes)
    topics = tasks["topic"].columns(heads["topic"].classes)
    parents = np.zeros(len(heads["topic"].classes), dtype=np.int64)
    parents[topics[topics >= 0]] = categories[topics >= 0]
    chain = Chain(parents, START_WEIGHT, START_WEIGHT, START_WEIGHT)
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
    topics = tasks["topic"].columns(heads["topic"].classes)
    enterprises = tasks["enterprise"].columns(heads["enterprise"].classes)
    shape = (len(heads["topic"].classes), len(heads["enterprise"].classes))

    def link_of(rows: Indices) -> Link:
        both = rows[(topics[rows] >= 0) & (enterprises[rows] >= 0)]
        return Link(enterprise_shares(topics[both], enterprises[both], shape))

    link = link_of(np.arange(len(topics)))
    known = enterprises[out_of_fold.rows] >= 0
    if not known.any():
        return link
    log_shares = [
        link_of(train).log_shares(_topics(hierarchy, out_of_fold, fold))
        for fold, (train, _) in enumerate(out_of_fold.splits)
    ]
    return calibration.fit_link(
        link,
        out_of_fold.stacked("enterprise")[known],
        np.concatenate(log_shares)[known],
        enterprises[out_of_fold.rows][known],
    )


def _topics(hierarchy: Hierarchy, out_of_fold: OutOfFold, fold: int) -> Floats:
    margins: dict[Level, Floats] = {
        level: out_of_fold.margins[level][fold] for level in LEVELS if level in out_of_fold.margins
    }
    return hierarchy.probabilities(margins)["topic"]
