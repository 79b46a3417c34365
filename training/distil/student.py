"""The student: a table of piece vectors whose mean over a text follows the teacher's vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from tokenizers import Tokenizer

from models.encoders import Vectors
from training.distil.texts import Corpus, Indices
from triage.progress import Reporter

BATCH = 512
LEARNING_RATE = 0.01
WARM_UP_STEPS = 50
TOKEN_DROPOUT = 0.15
RESPELLED_SHARE = 0.25
"""Share of batches that come in another spelling."""

RUSSIAN_TARGET_SHARE = 0.5
"""How often a Kazakh sentence is drawn to its Russian counterpart's vector, not its own."""

PULL = 0.5
"""How strongly, times the learning rate, a step pulls the table back to where it began.

A rare piece would otherwise run away on the one text that has it.
"""

SIF = 1e-3
"""`a` in a / (a + frequency), the weight of a piece (Arora et al., "A Simple but Tough-to-Beat
Baseline for Sentence Embeddings", 2017)."""


@dataclass(frozen=True)
class Bags:
    """The pieces of many texts, one after the other.

    Attributes
    ----------
    pieces
        Shape (n_pieces,).
    starts, lengths
        Shape (n_texts,): where a text's pieces start, and how many they are (one at least).
    """

    pieces: Indices
    starts: Indices
    lengths: Indices

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str]) -> Bags:
        """Cut texts into pieces; one without any gets the unknown piece."""
        encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        bags = [encoding.ids or [0] for encoding in encodings]
        lengths = np.array([len(bag) for bag in bags], dtype=np.int64)
        return cls(np.concatenate(bags).astype(np.int64), np.cumsum(lengths) - lengths, lengths)

    def take(self, rows: Indices, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Return the pieces of some texts and where each text starts; some pieces drop out."""
        lengths = self.lengths[rows]
        starts = np.cumsum(lengths) - lengths
        texts = np.repeat(np.arange(len(rows)), lengths)
        pieces = self.pieces[np.arange(len(texts)) + np.repeat(self.starts[rows] - starts, lengths)]
        kept = rng.random(len(pieces)) >= TOKEN_DROPOUT
        kept[starts] |= np.bincount(texts[kept], minlength=len(rows)) == 0
        return pieces[kept], np.searchsorted(texts[kept], np.arange(len(rows)))


@dataclass(frozen=True)
class Lessons:
    """What a student learns from.

    Attributes
    ----------
    corpus
        Says which text may be drawn to which other's target.
    targets
        Shape (n_texts, dim), length one.
    rows
        Shape (n_rows,): the texts to learn from; the others are held out.
    """

    corpus: Corpus
    targets: Vectors
    rows: Indices


def first_table(tokenizer: Tokenizer, words: Vectors, bags: Bags) -> Vectors:
    """Return the table to begin with: each piece's own vector, frequent pieces short.

    Parameters
    ----------
    words
        Shape (n_pieces - 1, dim): vectors of the pieces but the unknown, which gets zeros.
    """
    counts = np.bincount(bags.pieces, minlength=tokenizer.get_vocab_size())
    weights = SIF / (SIF + counts / counts.sum())
    table = np.vstack([np.zeros((1, words.shape[1])), words]) * weights[:, None]
    first: Vectors = table.astype(np.float32)
    return first


def fit_table(
    first: Vectors,
    lessons: Lessons,
    spellings: Sequence[Bags],
    *,
    epochs: int,
    seed: int,
    progress: Reporter,
) -> Vectors:
    """Move the table so that mean piece vectors point where the targets do (loss: 1 - cosine).

    Parameters
    ----------
    first
        Shape (n_pieces, dim): where the table begins.
    spellings
        The pieces of the texts, first as they are, then respelled at least once.

    Returns
    -------
    table
        Shape (n_pieces, dim).
    """
    import torch
    from torch.nn import functional

    rng = np.random.default_rng(seed)
    start = torch.from_numpy(first)
    table = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([table])
    n_steps = epochs * ceil(len(lessons.rows) / BATCH)
    batches = _batches(lessons.rows, epochs, rng)
    step = f"student, seed {seed} (batches of {BATCH})"
    for number, rows in enumerate(progress.track(step, batches, n_steps)):
        rate = optimizer.param_groups[0]["lr"] = _learning_rate(number, n_steps)
        pieces, starts = map(torch.from_numpy, _spelled(spellings, rng).take(rows, rng))
        targets = torch.from_numpy(_targets(lessons, rows, rng))
        vectors = functional.embedding_bag(pieces, table, starts, mode="mean")
        loss = 1 - functional.cosine_similarity(vectors, targets).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        with torch.no_grad():
            table.lerp_(start, PULL * rate)
    fitted: Vectors = table.detach().numpy()
    return fitted


def _learning_rate(number: int, n_steps: int) -> float:
    """Rise over the first steps, then fall evenly to the end."""
    return LEARNING_RATE * min(1, (number + 1) / WARM_UP_STEPS) * (1 - number / n_steps)


def _batches(rows: Indices, epochs: int, rng: np.random.Generator) -> Iterator[Indices]:
    for _ in range(epochs):
        yield from np.array_split(rng.permutation(rows), ceil(len(rows) / BATCH))


def _spelled(spellings: Sequence[Bags], rng: np.random.Generator) -> Bags:
    plain, *respelled = spellings
    other = respelled[rng.integers(len(respelled))]
    return other if rng.random() < RESPELLED_SHARE else plain


def _targets(lessons: Lessons, rows: Indices, rng: np.random.Generator) -> Vectors:
    """Return a target for each text; a Kazakh term's is always its Russian counterpart's."""
    corpus = lessons.corpus
    crosses = corpus.is_term[rows] | (rng.random(len(rows)) < RUSSIAN_TARGET_SHARE)
    return lessons.targets[np.where(crosses, corpus.counterparts[rows], rows)]
