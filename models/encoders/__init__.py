"""Dense encoders: a text in, one vector of length one out.

They share `DenseEncoder`: a static table read with numpy and tokenizers, any sentence-transformers
model, and such a model quantised for ONNX Runtime. Only the second imports torch, when it is used.
"""

from __future__ import annotations

from pathlib import Path

from models.encoders.base import TOKENIZER, DenseEncoder, Vectors
from models.encoders.onnx import OnnxEncoder, is_onnx
from models.encoders.static import MODULES, STATIC_WEIGHTS, StaticEncoder, is_static
from models.encoders.transformer import SentenceTransformerEncoder

__all__ = [
    "MODULES",
    "STATIC_WEIGHTS",
    "TOKENIZER",
    "DenseEncoder",
    "OnnxEncoder",
    "SentenceTransformerEncoder",
    "StaticEncoder",
    "Vectors",
    "load_encoder",
]


def load_encoder(name_or_folder: str) -> DenseEncoder:
    """Load a dense encoder by folder or hub name; only sentence-transformers needs torch.

    Raises
    ------
    EncoderUnavailableError
    """
    folder = Path(name_or_folder)
    if is_static(folder):
        return StaticEncoder.load(folder)
    if is_onnx(folder):
        return OnnxEncoder.load(folder)
    return SentenceTransformerEncoder.load(name_or_folder)
