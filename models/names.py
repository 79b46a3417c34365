"""Proper names that stand in the names of enterprises, found in texts.

A text that names Льгов speaks for the administration of the town of Льгов, of which history may
have only a few appeals. A name is known by its stem, so that its cases, its adjective and its
Kazakh and Latin spellings meet; the word after it (``район``, ``область``) tells names of one
stem apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from models.classifier import Floats
from models.remembered import Told
from models.rowwise import softmax
from models.text import WORD_CACHE_SIZE, lemma, romanise, words

MIN_STEM = 4
"""Letters of a stem; shorter names are the beginning of too many other words."""

MAX_ENDING = 8
"""Letters that may follow a stem: endings and suffixes, but not another word."""

_ADJECTIVE = re.compile("(?:ov|ev|in|en|an|n)?(?:sk|k)?[aeiou]*$")


@lru_cache(maxsize=WORD_CACHE_SIZE)
def name_stem(word: str) -> str:
    """Return what a name, its cases and its adjective have in common.

    >>> name_stem("льгов") == name_stem("льговского") == name_stem("льгове")
    True
    """
    key = romanise(lemma(word))
    return key[:MIN_STEM] + _ADJECTIVE.sub("", key[MIN_STEM:], count=1)


@dataclass(frozen=True)
class NameFinder:
    """Finds names in texts.

    Attributes
    ----------
    stems
        Of the names.
    kinds
        Stems of words that tell names of one stem apart.
    """

    stems: Collection[str]
    kinds: Collection[str]

    def find(self, text: str) -> list[str]:
        """Return the mentions of a text, each once: a stem, or a stem and a kind.

        Examples
        --------
        >>> NameFinder({"lgov"}, {"raio"}).find("Живу во Льгове, а не в Льговском районе")
        ['lgov', 'lgov raio']
        """
        return self.find_among(words(text))

    def beginnings(self, chunk: str) -> Iterator[int]:
        """Yield 1 for each word of a chunk that begins with a stem; most texts have none."""
        return (1 for word in words(chunk) if self._stem(word))

    def find_among(self, tokens: Sequence[str]) -> list[str]:
        """Return the mentions among a text's words, as `find` does."""
        stems = list(map(self._stem, tokens))
        if not any(stems):
            return []
        found = [
            f"{stem} {_beginning(after, self.kinds)}".rstrip()
            for stem, after in zip(stems, [*tokens[1:], ""], strict=True)
            if stem
        ]
        return list(dict.fromkeys(found))

    @cached_property
    def _stem(self) -> Callable[[str], str]:
        """Return the stem that a word begins with, empty if none."""
        stems = self.stems
        return lru_cache(WORD_CACHE_SIZE)(lambda word: _beginning(word, stems))


def _beginning(word: str, stems: Collection[str]) -> str:
    """Return the longest stem that a word begins with, empty if none."""
    key = romanise(lemma(word))
    shortest = max(MIN_STEM, len(key) - MAX_ENDING)
    sizes = range(len(key), shortest - 1, -1)
    return next((key[:size] for size in sizes if key[:size] in stems), "")


@dataclass(frozen=True)
class NameEvidence:
    """How much a mention speaks for each enterprise.

    Attributes
    ----------
    mentions
        As `NameFinder` writes them.
    log_ratios
        Shape (n_mentions, n_enterprises), float32: logarithm of how much likelier the mention is
        in an appeal of the enterprise than in any appeal.
    """

    mentions: tuple[str, ...]
    log_ratios: npt.NDArray[np.float32]

    def of(self, texts: Sequence[str]) -> Floats:
        """Return the evidence of normalised texts; see `of_words`."""
        return self.of_words([words(text) for text in texts])

    def of_words(self, texts: Sequence[Sequence[str]]) -> Floats:
        """Return the evidence of texts by their words, shape (n_texts, n_enterprises).

        Several mentions have one voice together; a text without any speaks for nobody.
        """
        evidence = np.zeros((len(texts), self.log_ratios.shape[1]))
        for row, tokens in enumerate(texts):
            places = self.rows(self.finder.find_among(tokens))
            if places:
                evidence[row] = self.log_ratios[places].mean(axis=0, dtype=np.float64)
        return evidence

    def of_named(self, texts: Sequence[str], beginnings: Told) -> Floats:
        """Return the evidence of normalised texts, as `of` does, reading those with names alone.

        Parameters
        ----------
        beginnings
            As `finder` tells them of the texts.
        """
        evidence = np.zeros((len(texts), self.log_ratios.shape[1]))
        named = np.flatnonzero(beginnings.sizes).tolist()
        evidence[named] = self.of([texts[row] for row in named])
        return evidence

    def rows(self, mentions: Iterable[str]) -> list[int]:
        """Return the rows of mentions; of a kind that was never seen, the row of the bare stem."""
        known = ((mention, mention.partition(" ")[0]) for mention in mentions)
        return [self._row.get(mention, self._row[stem]) for mention, stem in known]

    @cached_property
    def finder(self) -> NameFinder:
        """Finds these mentions."""
        parts = [mention.partition(" ") for mention in self.mentions]
        return NameFinder({stem for stem, _, _ in parts}, {kind for _, _, kind in parts} - {""})

    @cached_property
    def _row(self) -> dict[str, int]:
        return {mention: row for row, mention in enumerate(self.mentions)}


def with_evidence(probabilities: Floats, log_ratios: Floats) -> Floats:
    """Multiply probabilities by likelihood ratios; rows sum to one again.

    Rows without evidence stay as they are, to the last bit.
    """
    told = log_ratios.any(axis=1)
    updated = probabilities.copy()
    logarithms = np.log(np.maximum(probabilities[told], np.finfo(float).tiny))
    updated[told] = softmax(logarithms + log_ratios[told])
    return updated
