"""A transformer under a linear head for each level, as torch trains them.

Heads are fitted first, on the vectors as they are, and then all is trained together: heads that
begin at random would spoil what the encoder knows of languages that the appeals are not in (Kumar
et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution", 2022).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from models.classifier import Floats, LinearHead
from models.encoders import Vectors
from training.errors import TrainingError
from training.heads import Task
from training.splits import Indices

FROZEN_SHARE = 1 / 3
"""Share of the layers, from below, that stay as they are; the table of subwords does too."""

LAYER_RATE, HEAD_RATE = 1e-4, 1e-3
DROPOUT = 0.1
PROBE_C = 1.0
PROBE_ITERATIONS = 200
MAX_TOKENS = 128
"""Longer texts are cut while training; an epoch takes a sixth less time than at twice as many."""

ABSENT_BIAS = -10.0
"""Where a class stands that the texts lack: a sure no."""

NO_LABEL = -1
Classes = Mapping[str, tuple[str, ...]]


class Network(nn.Module):
    """An encoder and its heads; heads see vectors centred and of a usual length of one.

    Parameters
    ----------
    model
        A `SentenceTransformer`; its upper layers will be changed.
    vectors
        Shape (n_texts, n_dimensions): what it makes of the texts as it is.
    tasks
        Labels of the texts, level by level.
    classes
        Of each task, in the order that its head is to have.

    Raises
    ------
    TrainingError
        The model has no layers of a transformer.
    """

    def __init__(
        self, model: Any, vectors: Vectors, tasks: Sequence[Task], classes: Classes
    ) -> None:
        super().__init__()
        self.model = model
        self.trained = upper_layers(model)
        self.centre = torch.tensor(vectors.mean(axis=0))
        centred = vectors - vectors.mean(axis=0)
        self.scale = 1 / max(float(np.linalg.norm(centred, axis=1).mean()), 1e-6)
        self.classes = classes
        self._linear = {
            task.name: _probe(centred * self.scale, task, classes[task.name]) for task in tasks
        }
        self.heads = nn.ModuleDict(self._linear)
        self._autocast = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
        model.max_seq_length = min(model.max_seq_length, MAX_TOKENS)
        # Dropout in layers that stay would only be noise.
        self.model.requires_grad_(False).eval()
        self.trained.requires_grad_(True).train()

    def groups(self) -> list[dict[str, Any]]:
        """Return what is to be trained, each part with its learning rate."""
        return [
            {"params": list(self.trained.parameters()), "lr": LAYER_RATE},
            {"params": list(self.heads.parameters()), "lr": HEAD_RATE, "weight_decay": 0.0},
        ]

    def loss(self, texts: Sequence[str], labels: Mapping[str, Indices]) -> torch.Tensor:
        """Return the cross-entropy, summed over the levels that have a label here.

        Parameters
        ----------
        labels
            By level, the column of each text's label, or `NO_LABEL`.
        """
        seen = (self._embed(texts) - self.centre) * self.scale
        seen = nn.functional.dropout(seen, DROPOUT)
        total = 0 * seen.sum()
        for name, columns in labels.items():
            if (columns != NO_LABEL).any():
                logits, target = self._linear[name](seen), torch.tensor(columns)
                total = total + nn.functional.cross_entropy(logits, target, ignore_index=NO_LABEL)
        return total

    def linear_heads(self) -> dict[str, LinearHead]:
        """Return the heads as they are over plain vectors of length one."""
        centre, found = self.centre.numpy(), {}
        for name, head in self._linear.items():
            coef = np.float32(self.scale) * head.weight.detach().numpy().T
            intercept = head.bias.detach().numpy() - centre @ coef
            found[name] = LinearHead(self.classes[name], coef, intercept)
        return found

    def _embed(self, texts: Sequence[str]) -> torch.Tensor:
        transformer, *others = self.model
        prompt = self.model.prompts.get(self.model.default_prompt_name)
        passed = self.model.preprocess(list(texts), prompt=prompt)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._autocast):
            passed = transformer(passed)
        passed["token_embeddings"] = passed["token_embeddings"].float()
        for module in others:
            passed = module(passed)
        return nn.functional.normalize(passed["sentence_embedding"], dim=-1)


def upper_layers(model: Any) -> nn.ModuleList:
    """Return the layers of a sentence-transformers model that are to be trained.

    Raises
    ------
    TrainingError
        There are none: it is a static model, or one of an unknown build.
    """
    transformer = model.transformers_model
    modules = transformer.modules() if transformer is not None else ()
    stacks = [module for module in modules if isinstance(module, nn.ModuleList)]
    if not stacks:
        raise TrainingError("--fine-tune: this encoder has no transformer layers to train")
    layers = max(stacks, key=len)
    return nn.ModuleList(layers[round(len(layers) * FROZEN_SHARE) :])


def _probe(vectors: Vectors, task: Task, classes: tuple[str, ...]) -> nn.Linear:
    """Fit a head on vectors as they are; a class without a text gets a sure no."""
    labels = task.labels[task.rows].astype(str)
    columns = np.searchsorted(classes, np.unique(labels))
    weight, bias = np.zeros((len(classes), vectors.shape[1])), np.full(len(classes), ABSENT_BIAS)
    bias[columns] = 0
    if len(columns) > 1:
        weight[columns], bias[columns] = _logistic(vectors[task.rows], labels)
    head = nn.Linear(vectors.shape[1], len(classes))
    with torch.no_grad():
        head.weight.copy_(torch.tensor(weight))
        head.bias.copy_(torch.tensor(bias))
    return head


def _logistic(vectors: Vectors, labels: npt.NDArray[np.str_]) -> tuple[Floats, Floats]:
    fitted = LogisticRegression(C=PROBE_C, max_iter=PROBE_ITERATIONS)
    with warnings.catch_warnings():
        # Many classes of one or two examples are usual here: hundreds of enterprises.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        fitted.fit(vectors, labels)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(bias) == 1:  # one boundary stands for both of two classes
        weight, bias = np.vstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2
    return weight, bias
