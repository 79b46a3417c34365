"""How near a student is to its teacher on sentences that it has not learnt from."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from models.encoders import DenseEncoder, Vectors
from training.distil.augment import KAZAKH_ALPHABETS, RUSSIAN_ALPHABET, in_latin, lose_letters
from training.distil.texts import Corpus, Flags, Indices

ALL = "all"


def held_out_cosines(
    encoder: DenseEncoder, corpus: Corpus, targets: Vectors, held: Flags
) -> dict[str, float]:
    """Return the mean cosine to the targets, for every kind of text that is held out.

    Kinds are all texts, each language, and each odd spelling of Russian and Kazakh: respelled
    here, with the target of the original.
    """
    languages = np.array(corpus.languages)
    kazakh, russian = held & (languages == "kk"), held & (languages == "ru")
    kinds: dict[str, tuple[Flags, Callable[[str, Random], str]]] = {
        ALL: (held, _as_it_is),
        "ru": (russian, _as_it_is),
        "kk": (kazakh, _as_it_is),
        "mixed": (held & (languages == "mixed"), _as_it_is),
        "kk_plain": (kazakh, lose_letters),
        "kk_latin": (kazakh, _kazakh_in_latin),
        "ru_latin": (russian, _russian_in_latin),
    }
    return {
        kind: _mean_cosine(encoder, corpus, targets, np.flatnonzero(chosen), respell)
        for kind, (chosen, respell) in kinds.items()
        if chosen.any()
    }


def _mean_cosine(
    encoder: DenseEncoder,
    corpus: Corpus,
    targets: Vectors,
    rows: Indices,
    respell: Callable[[str, Random], str],
) -> float:
    rng = Random(0)  # noqa: S311  # spellings, not secrets
    vectors = encoder.encode([respell(corpus.texts[row], rng) for row in rows])
    return float((vectors * targets[rows]).sum(axis=1).mean())


def _as_it_is(text: str, rng: Random) -> str:
    del rng
    return text


def _kazakh_in_latin(text: str, rng: Random) -> str:
    return in_latin(text, rng.choice(KAZAKH_ALPHABETS), rng)


def _russian_in_latin(text: str, rng: Random) -> str:
    return in_latin(text, RUSSIAN_ALPHABET, rng)
