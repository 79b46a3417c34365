"""From a teacher and texts to a static encoder: look up, project, fit, average."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from tokenizers import Tokenizer

from models.encoders import StaticEncoder
from training.distil.augment import augment
from training.distil.measure import held_out_cosines
from training.distil.student import Bags, Lessons, first_table, fit_table
from training.distil.targets import fit_projection
from training.distil.teacher import Teacher
from training.distil.texts import Corpus, Flags
from training.distil.tokeniser import make_tokeniser
from training.errors import TrainingError
from triage.progress import Reporter

HELD_OUT = 25
"""One sentence in so many is measured on, not learnt from; the same one in every run."""

N_RESPELLED = 2
"""Respelled copies of the corpus that each seed learns from besides the plain one."""


@dataclass(frozen=True)
class Distilled:
    """A new encoder, and how near it is to its teacher on held-out sentences.

    Attributes
    ----------
    encoder
        With its table in float32.
    untrained, trained
        Mean cosines by language and spelling, before and after fitting.
    """

    encoder: StaticEncoder
    untrained: dict[str, float]
    trained: dict[str, float]


def distil(
    corpus: Corpus,
    teacher: Teacher,
    *,
    dim: int,
    epochs: int,
    seed: int,
    soup: int,
    progress: Reporter,
) -> Distilled:
    """Distil a static encoder.

    The table is the mean of those of `soup` seeds, from `seed` on: all begin at the same table, so
    that their mean makes sense (Wortsman et al., "Model soups", 2022).

    Raises
    ------
    TrainingError
        `dim` is larger than the teacher's.
    """
    if dim > teacher.n_dimensions:
        raise TrainingError(
            f"--dim {dim}: the teacher's vectors have only {teacher.n_dimensions} dimensions"
        )
    student = make_tokeniser(teacher.tokenizer, corpus.texts)
    vectors = teacher.encode(corpus.texts, "teacher's view of texts", progress)
    projection = fit_projection(vectors, corpus, dim)
    targets = projection.apply(vectors, corpus.languages)
    words = teacher.encode(student.surfaces, "teacher's view of words", progress)
    plain = Bags.of(student.tokenizer, corpus.texts)
    first = first_table(student.tokenizer, projection.apply_to_words(words), plain)
    held = _held_out(corpus)
    lessons = Lessons(corpus, targets, np.flatnonzero(~held))
    tables = [
        fit_table(
            first,
            lessons,
            [plain, *_respelled(student.tokenizer, corpus, one)],
            epochs=epochs,
            seed=one,
            progress=progress,
        )
        for one in range(seed, seed + soup)
    ]
    untrained, trained = (
        StaticEncoder(student.tokenizer, table) for table in (first, np.mean(tables, axis=0))
    )
    return Distilled(
        encoder=trained,
        untrained=held_out_cosines(untrained, corpus, targets, held),
        trained=held_out_cosines(trained, corpus, targets, held),
    )


def _held_out(corpus: Corpus) -> Flags:
    hashes = np.array([zlib.crc32(text.encode()) for text in corpus.texts])
    chosen: Flags = (hashes % HELD_OUT == 0) & ~corpus.is_term
    return chosen


def _respelled(tokenizer: Tokenizer, corpus: Corpus, seed: int) -> Iterator[Bags]:
    rng = Random(seed)  # noqa: S311  # spellings, not secrets
    texts = list(zip(corpus.texts, corpus.languages, strict=True))
    for _ in range(N_RESPELLED):
        yield Bags.of(tokenizer, [augment(text, language, rng) for text, language in texts])
