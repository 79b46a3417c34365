"""Learns how much a proper name in a text speaks for each enterprise.

What an enterprise is called says which mentions to expect, and history corrects that: counts of
mentions by enterprise are smoothed with a prior made of its own names and of the mentions of all
appeals (Zhai and Lafferty, "A study of smoothing methods for language models", 2004).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from models.classifier import Floats
from models.names import MIN_STEM, NameEvidence, NameFinder, name_stem
from training.heads import Splits
from training.splits import Indices

PRIOR = 10.0
"""Examples' worth of the prior."""

OWN_SHARE = 0.5
"""Share of an enterprise's own names in its prior."""

EXACT_SHARE = 0.7
"""Of that, what goes to the name as it is; the rest to other mentions of its stem."""

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class NamedExamples:
    """Which mentions stand in which texts, and in the names of which enterprises.

    Attributes
    ----------
    mentions
        Sorted; columns of the other two.
    counts
        Shape (n_texts, n_mentions + 1): each text's voice, divided among its mentions; in the
        last column that of a text without any.
    own
        Shape (n_enterprises, n_mentions + 1): each enterprise's own mentions, rows sum to one,
        or to zero where its name has no proper name.
    """

    mentions: tuple[str, ...]
    counts: Floats
    own: Floats

    @classmethod
    def of(
        cls, texts: Sequence[str], names: Mapping[str, Sequence[str]], enterprises: Sequence[str]
    ) -> NamedExamples | None:
        """Find the mentions; None where no enterprise has a proper name in its name.

        Parameters
        ----------
        names
            All names of an enterprise; one that has none is called by its label.
        """
        called = [names.get(label) or (label,) for label in enterprises]
        finder = _finder([name for listed in called for name in listed])
        if not finder.stems:
            return None
        own = [{one for name in listed for one in finder.find(name)} for listed in called]
        found = [finder.find(text) for text in texts]
        mentions = tuple(sorted({*finder.stems, *(m for one in (*own, *found) for m in one)}))
        column = {mention: place for place, mention in enumerate(mentions)}
        return cls(mentions, _counts(found, column), _own(own, column))

    def fit(self, rows: Indices, enterprises: Indices) -> NameEvidence:
        """Count on some of the rows.

        Parameters
        ----------
        enterprises
            Shape (n_texts,), column of each text's true enterprise, -1 where unknown.
        """
        known = rows[enterprises[rows] >= 0]
        overall = self.counts[known].sum(axis=0) + 1 / self.counts.shape[1]
        overall /= overall.sum()
        own_share = OWN_SHARE * self.own.sum(axis=1, keepdims=True)
        prior = OWN_SHARE * self.own + (1 - own_share) * overall
        counts = PRIOR * prior
        np.add.at(counts, enterprises[known], self.counts[known])
        ratios = counts / counts.sum(axis=1, keepdims=True) / overall
        log_ratios = np.ascontiguousarray(np.log(ratios[:, :-1]).T, dtype=np.float32)
        return NameEvidence(self.mentions, log_ratios)

    def out_of_fold(self, splits: Splits, enterprises: Indices) -> list[Floats]:
        """Return the evidence of what is held out of each fold, by counts of the fold's others.

        As `NameEvidence.of` gives it, shape (n_held_out, n_enterprises).
        """
        # The last column, of texts without a mention, speaks for nobody.
        return [
            self.counts[held_out, :-1] @ self.fit(train, enterprises).log_ratios.astype(float)
            for train, held_out in splits
        ]


def _counts(found: Sequence[Sequence[str]], column: Mapping[str, int]) -> Floats:
    counts = np.zeros((len(found), len(column) + 1))
    for row, mentions in enumerate(found):
        for mention in mentions:
            counts[row, column[mention]] = 1 / len(mentions)
    counts[:, -1] = 1 - counts[:, :-1].sum(axis=1)
    return counts


def _own(own: Sequence[set[str]], column: Mapping[str, int]) -> Floats:
    shares = np.zeros((len(own), len(column) + 1))
    for row, mentions in enumerate(own):
        for mention in mentions:
            stem = mention.partition(" ")[0]
            alike = [at for other, at in column.items() if other.partition(" ")[0] == stem]
            shares[row, alike] += (1 - EXACT_SHARE) / len(alike) / len(mentions)
            shares[row, column[mention]] += EXACT_SHARE / len(mentions)
    return shares


def _finder(names: Sequence[str]) -> NameFinder:
    """Tell proper names by their capital inside a name, and the words that stand after them."""
    proper: set[str] = set()
    ordinary: set[str] = set()
    followers: Counter[str] = Counter()
    for name in names:
        for part, after in pairwise([*_parts(name), None]):
            if part and part.is_proper:
                proper.add(part.stem)
                followers.update([after.stem] if after and not after.is_proper else [])
            elif part:
                ordinary.add(part.stem)
    kinds = {stem for stem, count in followers.items() if count > 1}
    return NameFinder(_long(proper - ordinary), _long(kinds))


def _long(stems: set[str]) -> set[str]:
    return {stem for stem in stems if len(stem) >= MIN_STEM}


class _Part(NamedTuple):
    stem: str
    is_proper: bool


def _parts(name: str) -> Iterator[_Part]:
    """Yield the words of a name; the first one's capital says nothing, if no quote opens it.

    So `Аппарат` is ordinary at the start and `«Алматы» ауданы` begins with a proper name.
    """
    for match in _WORD.finditer(name):
        stem = name_stem(match[0].lower().replace("ё", "е"))
        yield _Part(stem, match[0][0].isupper() and match.start() > 0)
