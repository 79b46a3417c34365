"""Fine-tunes as often as honest calibration needs: without each fold, and on all texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.encoders import DenseEncoder, SentenceTransformerEncoder, Vectors
from models.prediction import LEVELS
from training.errors import InvalidTrainingDataError, TrainingError
from training.finetune.ensemble import Networks, Tuned
from training.heads import Splits, Task
from training.quantise import quantise
from training.splits import Indices
from triage.progress import Reporter

N_TUNED_FOLDS = 3
"""Fewer than heads alone have: each is a training of its own."""

ENCODED_AT_ONCE = 64


@dataclass(frozen=True)
class FineTuning:
    """What is to be fine-tuned, and how.

    Attributes
    ----------
    encoder
        To begin with; it is not changed.
    epochs
        Times that each text is seen.
    quantised
        Whether what was trained is brought to eight bits in the end.
    """

    encoder: SentenceTransformerEncoder
    epochs: int
    quantised: bool = False

    @classmethod
    def of(cls, encoder: DenseEncoder | None, epochs: int, *, quantised: bool) -> FineTuning:
        """Check that there is something to train.

        Raises
        ------
        TrainingError
            The encoder has no layers of a transformer.
        """
        if not isinstance(encoder, SentenceTransformerEncoder):
            raise TrainingError("--fine-tune: needs a sentence-transformers model as --encoder")
        from training.finetune.network import upper_layers  # torch is there if the encoder is

        upper_layers(encoder.model)
        return cls(encoder, epochs, quantised)


def fit_networks(
    tuning: FineTuning,
    texts: Sequence[str],
    tasks: Sequence[Task],
    splits: Splits,
    *,
    seed: int,
    progress: Reporter,
) -> Networks:
    """Fine-tune an encoder on all texts, and without the held-out texts of each fold.

    Parameters
    ----------
    texts
        Normalised.
    tasks
        Of all heads; levels with two different labels or more are trained on.

    Raises
    ------
    InvalidTrainingDataError
        There is no such level.
    """
    lesson = _Lesson.of(tuning, texts, tasks, seed, progress)
    held_out = []
    for number, (train, test) in enumerate(splits, start=1):
        tuned = lesson.learn(train, f"fine-tuning without fold {number} of {len(splits)}")
        unseen = [texts[row] for row in test]
        vectors = _encode(tuned.encoder, unseen, f"encoding fold {number}", progress)
        held_out.append(tuned.margins(vectors))
    everything = np.arange(len(texts))
    return Networks(lesson.learn(everything, "fine-tuning on all texts"), held_out)


@dataclass(frozen=True)
class _Lesson:
    """All that an encoder may learn from.

    Attributes
    ----------
    classes
        Of each task, sorted, as heads have them.
    vectors
        Shape (n_texts, n_dimensions): what the encoder makes of the texts as it is.
    """

    tuning: FineTuning
    texts: Sequence[str]
    tasks: Sequence[Task]
    classes: dict[str, tuple[str, ...]]
    vectors: Vectors
    seed: int
    progress: Reporter

    @classmethod
    def of(
        cls,
        tuning: FineTuning,
        texts: Sequence[str],
        tasks: Sequence[Task],
        seed: int,
        progress: Reporter,
    ) -> _Lesson:
        classes = {task.name: tuple(sorted(set(task.labels[task.rows]))) for task in tasks}
        levels = [task for task in tasks if task.name in LEVELS and len(classes[task.name]) > 1]
        if not levels:
            raise InvalidTrainingDataError("--fine-tune: needs two different labels at some level")
        vectors = _encode(tuning.encoder, texts, "encoding texts as they are", progress)
        return cls(tuning, texts, levels, classes, vectors, seed, progress)

    def learn(self, rows: Indices, step: str) -> Tuned:
        """Fine-tune on some of the texts."""
        from training.finetune.train import fine_tune  # torch is there if the encoder is

        encoder, heads = fine_tune(
            self.tuning.encoder,
            [self.texts[row] for row in rows],
            [task.at(rows) for task in self.tasks],
            self.classes,
            self.vectors[rows],
            epochs=self.tuning.epochs,
            seed=self.seed,
            step=step,
            progress=self.progress,
        )
        return Tuned(quantise(encoder) if self.tuning.quantised else encoder, heads)


def _encode(encoder: DenseEncoder, texts: Sequence[str], step: str, progress: Reporter) -> Vectors:
    starts = range(0, len(texts), ENCODED_AT_ONCE)
    parts = [
        encoder.encode(texts[start : start + ENCODED_AT_ONCE])
        for start in progress.track(step, starts, len(starts))
    ]
    return np.concatenate(parts)
