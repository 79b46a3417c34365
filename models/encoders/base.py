"""What a dense encoder is: a text in, one vector of length one out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

TOKENIZER = "tokenizer.json"


class DenseEncoder(Protocol):
    """What a dense encoder must do."""

    name: str

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return vectors of length one, shape (n_texts, n_dimensions)."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything needed to load the encoder again."""
        ...
