"""Numbers that stand for the words of texts, remembered for the chunks that they come in.

A chunk is what stands between white space. Appeals are made of the same chunks again and again:
looking one up takes a hundredth of the time of telling its words, lemmas and columns, and what
comes of it is an array for many texts at once, with no object for a word.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CAPACITY = 60_000
"""Chunks that are remembered: those of 30,000 appeals and more, in some 20 MB."""

MAX_CHARS = 60
"""Longer chunks are told anew each time, lest a few long ones fill the memory."""

Integers = npt.NDArray[np.int64]
Teller = Callable[[str], Iterable[int]]


class Told(NamedTuple):
    """What one teller says of several texts.

    Attributes
    ----------
    numbers
        Of all texts, one after the other.
    sizes
        How many each text has.
    """

    numbers: npt.NDArray[np.int32]
    sizes: Integers

    @property
    def rows(self) -> Integers:
        """The text that each number is of."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Told:
        """Put together what was said of each text, as bytes of 32-bit numbers."""
        sizes = np.fromiter(map(len, texts), np.int64, len(texts)) // np.dtype(np.int32).itemsize
        return cls(np.frombuffer(b"".join(texts), np.int32), sizes)


class Remembered(dict[str, tuple[bytes, ...]]):
    """What tellers say of each chunk that was asked for.

    All of them in one place, for finding a chunk in the memory takes longer than reading what is
    said of it: 35 µs a text of 350 characters, and 56 with a place for each of three. Bytes, for
    many of them are joined in one step. A `dict`, for its `__getitem__` runs no Python for what it
    holds, and `functools.lru_cache` takes twice as long. Where there are too many, all are
    forgotten: the frequent ones are soon back.

    Parameters
    ----------
    tellers
        Each returns numbers of 32 bits for a chunk.
    """

    def __init__(self, *tellers: Teller) -> None:
        super().__init__()
        self._tellers = tellers

    def __missing__(self, chunk: str) -> tuple[bytes, ...]:
        told = tuple(array("i", tell(chunk)).tobytes() for tell in self._tellers)
        if len(chunk) <= MAX_CHARS:
            if len(self) >= CAPACITY:
                self.clear()
            self[chunk] = told
        return told

    def of_texts(self, texts: Iterable[Sequence[str]]) -> list[Told]:
        """Return what each teller says of texts that are split at white space."""
        told = [self._of_text(chunks) for chunks in texts]
        return [Told.of([text[place] for text in told]) for place in range(len(self._tellers))]

    def _of_text(self, chunks: Sequence[str]) -> list[bytes]:
        if not chunks:
            return [b""] * len(self._tellers)
        return list(map(b"".join, zip(*map(self.__getitem__, chunks), strict=True)))
