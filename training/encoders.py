"""The encoders that `--encoder` may name."""

from __future__ import annotations

from pathlib import Path

import models
from models.encoders import DenseEncoder, load_encoder

NONE, STATIC = "none", "static"
STATIC_FOLDER = Path(models.__file__).parent / "data" / "static"


def choose_encoder(name: str) -> DenseEncoder | None:
    """Load an encoder: ``none``, ``static`` (the shipped one), a folder or a hub name.

    Raises
    ------
    EncoderUnavailableError
    """
    if name == NONE:
        return None
    return load_encoder(str(STATIC_FOLDER) if name == STATIC else name)
