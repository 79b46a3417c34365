"""A static encoder: a table of subword vectors, read with numpy and tokenizers alone."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from scipy import sparse
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import Metaspace

from models.encoders.base import TOKENIZER, Vectors
from models.errors import EncoderUnavailableError
from models.remembered import Integers, Remembered, Told

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

SEVERAL = -1
"""Stands for a chunk that becomes several words by NFKC: it can't be split by itself."""


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

    Attributes
    ----------
    is_by_word
        Whether a text's subwords are those of its words, one after the other.
    """

    name = "static"

    def __init__(self, tokenizer: Tokenizer, table: Table, scales: Vectors | None = None) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._table = table
        self._scales = scales
        self.is_by_word = _is_by_word(tokenizer)
        self._remembered = Remembered(self.subwords)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return mean subword vectors of length one; a text without subwords is all zeros."""
        if not self.is_by_word:
            return self._mean(self._told(texts))
        return self.encode_subwords(texts, *self._remembered.of_texts(map(str.split, texts)))

    def encode_subwords(self, texts: Sequence[str], told: Told) -> Vectors:
        """Return vectors as `encode` does, by what `subwords` tells of the texts' chunks."""
        vectors = self._mean(told)
        whole = np.unique(told.rows[told.numbers == SEVERAL])
        if len(whole):
            vectors[whole] = self._mean(self._told([texts[row] for row in whole]))
        return vectors

    def subwords(self, chunk: str) -> list[int]:
        """Return the numbers of a chunk's subwords, `SEVERAL` for one that becomes several."""
        if " " in unicodedata.normalize("NFKC", chunk):
            return [SEVERAL]
        return self._split([chunk])[0]

    def _mean(self, told: Told) -> Vectors:
        """Return the mean vectors of subwords, scaled to length one."""
        row_ends = np.concatenate([[0], np.cumsum(told.sizes)])
        subwords, columns = _distinct(told.numbers, len(self._table))
        each_once = np.ones(len(columns), np.float32)
        shape = (len(told.sizes), len(subwords))
        counts = sparse.csr_matrix((each_once, columns, row_ends), shape)
        vectors: Vectors = counts @ self._rows(subwords)
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
        rows = self._rows(np.array(encoding.ids, np.int64)).astype(np.float64)
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

    def _rows(self, subwords: Integers) -> Vectors:
        """Return the vectors of subwords; of the whole table they would take 31 MB."""
        if self._scales is None:
            return self._table[subwords].astype(np.float32, copy=False)
        rows: Vectors = self._table[subwords] * self._scales[subwords, None]
        return rows

    def _told(self, texts: Sequence[str]) -> Told:
        """Return the subwords of whole texts."""
        return Told.of([np.array(found, np.int32).tobytes() for found in self._split(texts)])

    def _split(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]


def _distinct(numbers: npt.NDArray[np.int32], size: int) -> tuple[Integers, Integers]:
    """Return what numbers below `size` there are, and each one's place among them.

    A number below 0 counts from the end. It is `numpy.unique` without sorting.
    """
    is_there = np.zeros(size, dtype=bool)
    is_there[numbers] = True
    distinct = np.flatnonzero(is_there)
    places = np.empty(size, np.int64)
    places[distinct] = np.arange(len(distinct))
    return distinct, places[numbers]


def _is_by_word(tokenizer: Tokenizer) -> bool:
    """Tell whether a text's subwords are those of its words, one after the other."""
    splitting = tokenizer.pre_tokenizer
    return (
        isinstance(splitting, Metaspace)
        and splitting.prepend_scheme == "always"
        and splitting.split
        and not tokenizer.get_added_tokens_decoder()
    )


def is_static(folder: Path) -> bool:
    """Tell a saved `StaticEmbedding`, alone or normalised, from other sentence-transformers."""
    try:
        modules = json.loads((folder / MODULES).read_text(encoding="utf-8"))
        kinds = [module["type"].rpartition(".")[2] for module in modules]
        return kinds in (STATIC_KINDS[:1], STATIC_KINDS) and modules[0]["path"] in ("", ".")
    except (OSError, ValueError, TypeError, LookupError):
        return False
