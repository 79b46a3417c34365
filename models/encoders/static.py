"""A static encoder: a table of subword vectors, read with numpy and tokenizers alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from models.encoders.base import TOKENIZER, Vectors
from models.errors import EncoderUnavailableError

Table = npt.NDArray[np.float32] | npt.NDArray[np.int8]

STATIC_WEIGHTS = "model.safetensors"
STATIC_TABLE = "embedding.weight"
STATIC_INT8, STATIC_SCALES = "embedding.int8", "embedding.scale"
INT8_MAX = 127
MODULES = "modules.json"
STATIC_MODULES = [
    {
        "idx": 0,
        "name": "0",
        "path": "",
        "type": "sentence_transformers.sentence_transformer.modules.StaticEmbedding",
    }
]
"""What sentence-transformers finds in ``modules.json`` of a static encoder."""
STATIC_KINDS = ["StaticEmbedding", "Normalize"]
"""Modules that `StaticEncoder` can stand for; the second may be missing."""


class StaticEncoder:
    """Mean of subword vectors: a sentence-transformers `StaticEmbedding` without torch.

    Parameters
    ----------
    tokenizer
        Splits a text into subwords; no padding, no special tokens.
    table
        Shape (n_subwords, n_dimensions), float32 or int8.
    scales
        Shape (n_subwords,): what each row of an int8 table is multiplied by.
    """

    name = "static"

    def __init__(self, tokenizer: Tokenizer, table: Table, scales: Vectors | None = None) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._table = table
        self._scales = scales

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return mean subword vectors of length one; a text without subwords is all zeros."""
        vectors = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        for row, encoding in enumerate(encodings):
            if encoding.ids:
                vectors[row] = self._rows(encoding.ids).mean(axis=0)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        return vectors

    def parts(self, text: str) -> tuple[list[tuple[int, int]], npt.NDArray[np.float64]]:
        """Return what each subword puts into the vector of a text: the rows add up to it.

        Returns
        -------
        spans
            Where each subword starts and ends in the text.
        parts
            Shape (n_subwords, n_dimensions).
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        rows = self._rows(encoding.ids).astype(np.float64)
        length = np.linalg.norm(rows.sum(axis=0))
        return encoding.offsets, rows / length if length > 0 else np.zeros_like(rows)

    def quantised(self) -> StaticEncoder:
        """Return the same encoder with its table in a quarter of the space."""
        if self._scales is not None:
            return self
        largest = np.abs(self._table).max(axis=1)
        scales = np.where(largest > 0, largest / INT8_MAX, 1.0).astype(np.float32)
        table = np.round(self._table / scales[:, None]).astype(np.int8)
        return StaticEncoder(self._tokenizer, table, scales)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` reads; a float table is sentence-transformers' own shape."""
        folder.mkdir(parents=True, exist_ok=True)
        self._tokenizer.save(str(folder / TOKENIZER), pretty=False)
        tensors: dict[str, Table] = {STATIC_TABLE: self._table}
        if self._scales is not None:
            tensors = {STATIC_INT8: self._table, STATIC_SCALES: self._scales}
        in_order = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        save_file(in_order, folder / STATIC_WEIGHTS)  # safetensors scrambles any other order
        (folder / MODULES).write_text(json.dumps(STATIC_MODULES, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> StaticEncoder:
        """Read a `StaticEmbedding` folder, or one with its table in int8.

        Raises
        ------
        EncoderUnavailableError
            The folder lacks its tokeniser or its table.
        """
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            tensors = load_file(folder / STATIC_WEIGHTS)
            if STATIC_INT8 in tensors:
                return cls(tokenizer, tensors[STATIC_INT8], tensors[STATIC_SCALES])
            return cls(tokenizer, tensors[STATIC_TABLE].astype(np.float32))
        except Exception as error:  # tokenizers raises bare Exception
            raise EncoderUnavailableError(f"{folder}: no static encoder here: {error}") from error

    def _rows(self, ids: list[int]) -> Vectors:
        rows = self._table[ids].astype(np.float32)
        return rows if self._scales is None else rows * self._scales[ids, None]


def is_static(folder: Path) -> bool:
    """Tell a saved `StaticEmbedding`, alone or normalised, from other sentence-transformers."""
    try:
        modules = json.loads((folder / MODULES).read_text(encoding="utf-8"))
        kinds = [module["type"].rpartition(".")[2] for module in modules]
        return kinds in (STATIC_KINDS[:1], STATIC_KINDS) and modules[0]["path"] in ("", ".")
    except (OSError, ValueError, TypeError, LookupError):
        return False
