"""Any sentence-transformers model as an encoder; the one that needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.encoders.base import Vectors
from models.errors import EncoderUnavailableError

MAX_TOKENS = 256
"""Longer texts are cut: 94 in 100 real appeals are shorter, and one answer's time is bounded."""

BATCH = 32


class SentenceTransformerEncoder:
    """Any sentence-transformers model, on the CPU, with its own default prompt.

    Parameters
    ----------
    model
        A `SentenceTransformer`. It reads no more than `MAX_TOKENS` of a text from here on.
    """

    name = "sentence-transformers"

    def __init__(self, model: Any) -> None:
        self.model = model
        if hasattr(model.tokenizer, "model_max_length"):
            model.max_seq_length = min(model.max_seq_length, MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the model's vectors, scaled to length one; texts of one length share a batch."""
        vectors: Vectors = self.model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return vectors.astype("float32")

    def save(self, folder: Path) -> None:
        """Write the whole model, so that serving needs neither hub nor source folder."""
        self.model.save(str(folder), create_model_card=False)

    @classmethod
    def load(cls, name_or_folder: str) -> SentenceTransformerEncoder:
        """Load by folder, or by hub name where a hub is reachable.

        Raises
        ------
        EncoderUnavailableError
            sentence-transformers is not installed, or there is no such model.
        """
        try:
            import torch
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EncoderUnavailableError(
                f"{name_or_folder}: this encoder needs `pip install 'appeal-triage[encoders]'`"
            ) from error
        try:
            model = SentenceTransformer(
                name_or_folder, device="cpu", model_kwargs={"dtype": torch.float32}
            )
        except Exception as error:  # each library it reads with has errors of its own
            raise EncoderUnavailableError(f"{name_or_folder}: no such encoder: {error}") from error
        return cls(model)
