"""Checks labelled appeals: what is in them, what contradicts itself, what is likely wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from models.encoders import DenseEncoder
from models.prediction import Level
from models.registry import LoadedModel
from training.checking.findings import Counts, Findings, drift_from, find
from training.checking.label_errors import LabelErrors, find_label_errors
from training.data import Examples
from training.splits import near_duplicate_groups
from triage.citydata import City
from triage.drift import Drift
from triage.progress import Reporter, Silent
from triage.taxonomy import Taxonomy


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes
    ----------
    errors
        By level; a level is missing where there was nothing to judge by.
    champion
        What the drift is from, None where there is no champion.
    champion_counts, drift
        Empty where there is no champion, or it does not say what it was fitted on.
    """

    examples: Examples
    findings: Findings
    errors: dict[Level, LabelErrors]
    champion: str | None
    champion_counts: Counts
    drift: dict[str, Drift]

    @property
    def metrics(self) -> dict[str, float]:
        """All figures under flat names, for MLflow."""
        return dict(self._metrics())

    def _metrics(self) -> Iterator[tuple[str, float]]:
        found = self.findings
        yield "rows", float(found.n_rows)
        yield "unlabelled", float(found.unlabelled)
        yield "repeated", float(found.repeated)
        for name, counts in found.counts.items():
            yield f"{name}_labels", float(len(counts))
            yield f"{name}_conflicts", float(sum(one.level == name for one in found.conflicts))
        for level, labels in found.unknown.items():
            yield f"{level}_unknown", float(sum(labels.values()))
        for level, errors in self.errors.items():
            yield f"{level}_likely_wrong", float(errors.n_likely)
        for name, drift in self.drift.items():
            yield f"{name}_psi", drift.psi
            yield f"{name}_psi_noise", drift.noise


def check_examples(
    examples: Examples,
    city: City,
    *,
    dense_encoder: DenseEncoder | None,
    champion: LoadedModel | None,
    seed: int = 0,
    progress: Reporter | None = None,
) -> Check:
    """Check labelled appeals.

    Parameters
    ----------
    city
        Whose names and codes the labels are.
    dense_encoder
        Joined to the sparse features of the heads that judge labels, or None.
    champion
        Whose training data the labels are compared with, or None.
    """
    progress = progress or Silent()
    examples = replace(examples, table=_with_categories(examples.table, city.taxonomy))
    texts = list(examples.table["text"])
    groups = near_duplicate_groups(progress.track("comparing texts", texts, len(texts)))
    findings = find(examples.table, groups, city)
    before = champion.model.info.counts if champion else {}
    return Check(
        examples=examples,
        findings=findings,
        errors=find_label_errors(
            examples.table, groups, dense_encoder=dense_encoder, seed=seed, progress=progress
        ),
        champion=f"{champion.name} {champion.version}" if champion else None,
        champion_counts=before,
        drift=drift_from(before, findings.counts),
    )


def _with_categories(table: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """Name the category of known topics, where the files left it out."""
    parents = {code: topic.category for code, topic in taxonomy.topics.items()}
    pairs = zip(table["category"], table["topic"], strict=True)
    categories = [category or parents.get(topic) for category, topic in pairs]
    return table.assign(category=pd.Series(categories, index=table.index, dtype=object))


def errors_file(level: Level) -> str:
    """Return the name of the list of a level's likely errors."""
    return f"label-errors-{level}.csv"
