"""Parts of the appeals that are measured apart: languages, categories, channels, enterprises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.classifier import Floats
from models.language import LANGUAGE_OF, Language, script

ALL = "all"
ODD_SCRIPTS = tuple(name for name in LANGUAGE_OF if name not in get_args(Language))
"""Spellings that are measured besides the languages: Kazakh or Russian in other letters."""

Parts = dict[str, npt.NDArray[np.bool_]]
"""Rows that belong to each part of the texts."""

Kind = Literal["all", "language", "category", "channel", "enterprise"]
COLUMNS: tuple[Kind, ...] = ("category", "channel", "enterprise")

MIN_BUCKET = 30
"""Appeals of a category, channel or enterprise from which on it is measured apart."""


@dataclass(frozen=True)
class Bucket:
    """Appeals that have something in common.

    Attributes
    ----------
    rows
        Shape (n,), which of the appeals.
    """

    kind: Kind
    name: str
    rows: npt.NDArray[np.bool_]

    @property
    def label(self) -> str:
        """What the bucket is called among others of all kinds."""
        return f"{self.kind} {self.name}" if self.kind in COLUMNS else self.name


def buckets_of(table: pd.DataFrame, *, minimum: int = MIN_BUCKET) -> list[Bucket]:
    """Return all appeals, each language and spelling, and what else has enough appeals.

    Categories and enterprises are the true ones.
    """
    found = [
        Bucket("all" if name == ALL else "language", name, rows)
        for name, rows in language_parts(table).items()
    ]
    for kind in COLUMNS:
        values = table[kind]
        for name, count in values.value_counts().items():
            if count >= minimum:
                found.append(Bucket(kind, str(name), (values == name).to_numpy(dtype=bool)))
    return found


def parts_of(table: pd.DataFrame) -> Parts:
    """Return the rows of every bucket by its label."""
    return {bucket.label: bucket.rows for bucket in buckets_of(table)}


def language_parts(table: pd.DataFrame) -> Parts:
    """Tell the rows of each language and odd spelling; a language that the data names is taken."""
    scripts = [script(text) for text in table["text"]]
    told = zip(table["language"], scripts, strict=True)
    languages = np.array([named or LANGUAGE_OF[found] for named, found in told], dtype=object)
    parts: Parts = {ALL: np.ones(len(table), dtype=bool)}
    parts |= {name: languages == name for name in sorted(set(languages))}
    odd = sorted(set(scripts) & set(ODD_SCRIPTS))
    return parts | {name: np.array(scripts, dtype=object) == name for name in odd}


def weights_of(table: pd.DataFrame) -> Floats:
    """Return what each appeal counts: 1 where the data does not say."""
    return np.array([1.0 if one is None else float(one) for one in table["weight"]])
