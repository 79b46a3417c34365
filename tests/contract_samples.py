"""Contract samples for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.selective import ContractSample


def sample_of(probability: Any, correct: Any, language: Any = "ru", group: Any = "a") -> Any:
    """Return a sample; a language or group that is one string is that of all choices."""
    n_examples = len(probability)
    names = {
        name: np.full(n_examples, value) if isinstance(value, str) else np.asarray(value, dtype=str)
        for name, value in (("language", language), ("group", group))
    }
    return ContractSample(
        probability=np.asarray(probability, dtype=float),
        correct=np.asarray(correct, dtype=bool),
        label=np.full(n_examples, "a"),
        label_probability=np.asarray(probability, dtype=float),
        **names,
    )
