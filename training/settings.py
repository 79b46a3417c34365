"""What of a fit can be tuned, as a file that `triage-train tune` writes and `fit` reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from math import inf
from pathlib import Path
from typing import Any

from models.bundle import DENSE_WEIGHT
from models.classifier import SVM_C
from models.sparse import MAX_FEATURES
from training.errors import InvalidSettingsError

SETTINGS = "settings"
"""Under which the file has them; what else stands there tells how they were found."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """What of a fit can be tuned.

    Attributes
    ----------
    svm_c
        Inverse regularisation of all heads.
    max_features
        Sparse features that are kept, the most frequent ones.
    dense_weight
        Length of dense vectors beside sparse rows of length 1 at most.

    Raises
    ------
    InvalidSettingsError
        A value is not a positive number.
    """

    svm_c: float = SVM_C
    max_features: int = MAX_FEATURES
    dense_weight: float = DENSE_WEIGHT

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            kinds = (int,) if name == "max_features" else (int, float)
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < inf:
                kind = "whole number" if kinds == (int,) else "number"
                raise InvalidSettingsError(f"{name}: not a positive {kind}: {value!r}")


DEFAULTS = FitSettings()


def read_settings(path: Path) -> FitSettings:
    """Read settings; those that the file lacks are the default.

    Raises
    ------
    InvalidSettingsError
    """
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidSettingsError(f"{path}: not JSON: {error}") from error
    values = found.get(SETTINGS) if isinstance(found, dict) else None
    if not isinstance(values, dict):
        raise InvalidSettingsError(f"{path}: no {SETTINGS!r} in it")
    known = [field.name for field in fields(FitSettings)]
    unknown = sorted(values.keys() - set(known))
    if unknown:
        raise InvalidSettingsError(f"{path}: unknown {unknown[0]!r}; known: {', '.join(known)}")
    try:
        return FitSettings(**values)
    except InvalidSettingsError as error:
        raise InvalidSettingsError(f"{path}: {error}") from error
