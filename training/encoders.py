"""The encoders that `--encoder` may name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import models
from models.encoders import DenseEncoder, SentenceTransformerEncoder, load_encoder
from training.errors import TrainingError
from training.quantise import quantise

NONE, STATIC = "none", "static"
STATIC_FOLDER = Path(models.__file__).parent / "data" / "static"


class Backend(StrEnum):
    """What computes the vectors of a sentence-transformers model when it serves."""

    TORCH = "torch"
    ONNX_INT8 = "onnx-int8"


def choose_encoder(name: str) -> DenseEncoder | None:
    """Load an encoder: ``none``, ``static`` (the shipped one), a folder or a hub name.

    Raises
    ------
    EncoderUnavailableError
    """
    if name == NONE:
        return None
    return load_encoder(str(STATIC_FOLDER) if name == STATIC else name)


def on_backend(encoder: DenseEncoder | None, backend: Backend) -> DenseEncoder | None:
    """Return an encoder as it is to serve.

    Raises
    ------
    TrainingError
        Only a sentence-transformers model can be quantised.
    EncoderUnavailableError
        A library is missing, or this kind of model can't be exported.
    """
    if backend == Backend.TORCH:
        return encoder
    if not isinstance(encoder, SentenceTransformerEncoder):
        raise TrainingError(f"--backend {backend}: needs a sentence-transformers model to quantise")
    return quantise(encoder)
