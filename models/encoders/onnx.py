"""A transformer in eight-bit integers, computed by ONNX Runtime: no torch at serving time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from models.encoders.base import TOKENIZER, Vectors
from models.errors import EncoderUnavailableError

GRAPH, PROMPT = "model.onnx", "prompt.json"


class OnnxEncoder:
    """A graph from token numbers to a vector, made by `training.quantise`.

    Parameters
    ----------
    tokenizer
        Adds special tokens and cuts long texts by itself.
    graph
        The ONNX file: ``input_ids`` and ``attention_mask`` in, one vector a text out.
    prompt
        What the model wants before each text.

    Raises
    ------
    EncoderUnavailableError
        ONNX Runtime is not installed, or can't read the graph.
    """

    name = "onnx-int8"

    def __init__(self, tokenizer: Tokenizer, graph: bytes, prompt: str) -> None:
        self._tokenizer = tokenizer
        self._graph = graph
        self._prompt = prompt
        self._session = _session(graph)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return vectors of length one, shape (n_texts, n_dimensions).

        Texts go one by one: integers are scaled by what is in a batch, so that in company a text
        would get another vector. It is the faster way too, as nothing is padded.
        """
        prompted = [self._prompt + text for text in texts]
        encodings = self._tokenizer.encode_batch_fast(prompted)
        if not encodings:
            return np.zeros((0, self._session.get_outputs()[0].shape[-1]), dtype=np.float32)
        vectors: Vectors = np.concatenate([self._vector(encoding.ids) for encoding in encodings])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def save(self, folder: Path) -> None:
        """Write the folder that `load` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        self._tokenizer.save(str(folder / TOKENIZER), pretty=False)
        (folder / GRAPH).write_bytes(self._graph)
        prompt = json.dumps({"prompt": self._prompt}, ensure_ascii=False)
        (folder / PROMPT).write_text(prompt, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> OnnxEncoder:
        """Read what `save` wrote.

        Raises
        ------
        EncoderUnavailableError
            A file is missing or broken, or ONNX Runtime is not installed.
        """
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            prompt = json.loads((folder / PROMPT).read_text(encoding="utf-8"))["prompt"]
            graph = (folder / GRAPH).read_bytes()
        except Exception as error:  # tokenizers raises bare Exception
            raise EncoderUnavailableError(f"{folder}: no ONNX encoder here: {error}") from error
        return cls(tokenizer, graph, prompt)

    def _vector(self, ids: list[int]) -> Vectors:
        row = np.array([ids], dtype=np.int64)
        inputs = {"input_ids": row, "attention_mask": np.ones_like(row)}
        vector: Vectors = self._session.run(None, inputs)[0]
        return vector


def is_onnx(folder: Path) -> bool:
    """Tell whether a folder holds what `OnnxEncoder` saves."""
    return (folder / GRAPH).is_file() and (folder / PROMPT).is_file()


def _session(graph: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EncoderUnavailableError(
            "this encoder needs `pip install 'appeal-triage[onnx]'`"
        ) from error
    try:
        return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors have no base of their own
        raise EncoderUnavailableError(f"the ONNX graph can't be read: {error}") from error
