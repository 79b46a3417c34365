"""From a sentence-transformers model to a graph of eight-bit integers for ONNX Runtime."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models.encoders import OnnxEncoder, SentenceTransformerEncoder
from models.errors import EncoderUnavailableError

NEEDS = ("onnx", "onnxscript", "onnxruntime")
INPUTS, OUTPUT = ("input_ids", "attention_mask"), "sentence_embedding"


def quantise(encoder: SentenceTransformerEncoder) -> OnnxEncoder:
    """Export a model with its pooling, and quantise it.

    Weights get a scale for each row; activations are scaled as they come ("dynamic"), so that no
    sample of texts is needed. On the CPU this is two to three times as fast as torch.

    Raises
    ------
    EncoderUnavailableError
        A library is missing, or this kind of model can't be exported.
    """
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise EncoderUnavailableError(
            f"quantising needs `pip install 'appeal-triage[onnx]'`: no {', '.join(missing)}"
        )
    model = encoder.model
    try:
        tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
        tokenizer.no_padding()
        tokenizer.enable_truncation(model.max_seq_length)
        graph = _graph(model)
    except Exception as error:  # the exporter's errors have no base of their own
        raise EncoderUnavailableError(f"this encoder can't be exported: {error}") from error
    return OnnxEncoder(tokenizer, graph, model.prompts.get(model.default_prompt_name) or "")


def _graph(model: Any) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, _quiet():
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "int8.onnx"
        _export(model, whole)
        quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True)
        return small.read_bytes()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what both libraries say of their own insides."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _export(model: Any, path: Path) -> None:
    import torch

    class Embedding(torch.nn.Module):
        """The model as a function of two tensors."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
            return self.model(inputs)[OUTPUT]

    n_tokens = torch.export.Dim("n_tokens", min=2, max=model.max_seq_length)
    # Two tensors: one that is given twice would become one input.
    ids, mask = (torch.ones((1, 16), dtype=torch.int64) for _ in INPUTS)
    torch.onnx.export(
        Embedding().eval(),
        (ids, mask),
        path,
        input_names=list(INPUTS),
        output_names=[OUTPUT],
        dynamic_shapes={name: {1: n_tokens} for name in INPUTS},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
