"""Trains a network: batches of texts that are alike in length, AdamW, rates up and down."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from models.classifier import LinearHead
from models.encoders import SentenceTransformerEncoder, Vectors
from training.finetune.network import Classes, Network
from training.heads import Task
from training.splits import Indices
from triage.progress import Reporter

BATCH = 16
POOL = 16 * BATCH
"""Texts that are sorted by length together before they are cut into batches."""

WEIGHT_DECAY = 0.01
WARM_UP = 0.1
"""Share of the steps in which learning rates rise; they fall to nothing from there."""

MAX_GRADIENT = 1.0


def fine_tune(
    encoder: SentenceTransformerEncoder,
    texts: Sequence[str],
    tasks: Sequence[Task],
    classes: Classes,
    vectors: Vectors,
    *,
    epochs: int,
    seed: int,
    step: str,
    progress: Reporter,
) -> tuple[SentenceTransformerEncoder, dict[str, LinearHead]]:
    """Train a copy of an encoder under heads of all tasks, with cross-entropy.

    Parameters
    ----------
    texts, tasks, classes, vectors
        As for `Network`; texts are normalised.
    epochs
        Times that each text is seen.
    step
        What the bar says.

    Returns
    -------
    encoder
        The trained copy.
    heads
        By task, over the vectors of length one that it gives.

    Raises
    ------
    TrainingError
        The encoder has no layers of a transformer.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(copy.deepcopy(encoder.model), vectors, tasks, classes)
        columns = {task.name: task.columns(classes[task.name]) for task in tasks}
        batches = list(_batches(texts, epochs, seed))
        optimizer = torch.optim.AdamW(network.groups(), weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rates(len(batches)))
        for rows in progress.track(step, batches, len(batches)):
            labels = {name: column[rows] for name, column in columns.items()}
            loss = network.loss([texts[row] for row in rows], labels)
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
            nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        network.model.max_seq_length = encoder.model.max_seq_length
    return SentenceTransformerEncoder(network.model.eval()), network.linear_heads()


def _batches(texts: Sequence[str], epochs: int, seed: int) -> Iterator[Indices]:
    rng = np.random.default_rng(seed)
    lengths = np.array([len(text) for text in texts])
    for _ in range(epochs):
        order = rng.permutation(len(texts))
        pools = [order[start : start + POOL] for start in range(0, len(order), POOL)]
        by_length = np.concatenate([pool[np.argsort(lengths[pool])] for pool in pools])
        starts = rng.permutation(range(0, len(texts), BATCH))
        yield from (by_length[start : start + BATCH] for start in starts)


def _rates(n_steps: int) -> Callable[[int], float]:
    rising = math.ceil(WARM_UP * n_steps)
    return lambda step: min((step + 1) / rising, (n_steps - step) / max(n_steps - rising, 1))
