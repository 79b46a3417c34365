"""What each word of a text says for a label: exact shares of the linear heads' margins.

A margin is linear in the features, and every feature stands for certain words, so the margin falls
apart into them without any approximation. What a margin then does to a probability is shared with
other heads and labels: see `models.hierarchy`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from models.bundle import TriageModel
from models.classifier import LinearHead
from models.encoders import StaticEncoder
from models.offsets import Span, trace
from models.prediction import Level
from models.sparse import SparseEncoder, features
from models.text import word_spans


@dataclass(frozen=True, slots=True)
class SpanWeight:
    """A word, or a sign between words, of the original text and what it adds to a margin."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a label's margin comes from: ``base + sum of the spans' weights + rest``.

    Attributes
    ----------
    base
        What the label has before anything is read.
    spans
        In the order of the text; words that the model does not know are not among them.
    rest
        What can't be put down to words: a dense encoder that is not static, words whose place was
        lost in broken markup, and rounding.
    """

    label: str
    margin: float
    base: float
    spans: tuple[SpanWeight, ...]
    rest: float


Explanations = dict[Level, tuple[Explanation, ...]]


@dataclass(frozen=True, slots=True)
class SplitText:
    """A text's features, split by the words that they come from.

    Attributes
    ----------
    row
        Shape (1, n_features), as the heads are given it.
    spans
        In the original text.
    parts
        Shape (n_spans, n_features), float64; they add up to the row, but for what has no span.
    """

    row: sparse.csr_matrix
    spans: Sequence[Span]
    parts: sparse.csr_matrix


def explain(model: TriageModel, text: str, labels: Mapping[Level, Sequence[str]]) -> Explanations:
    """Explain the margins of labels; those that the model has never seen are left out.

    Parameters
    ----------
    text
        As it came in.
    labels
        By level, in the order wanted.
    """
    split = split_text(model, text)
    return {
        level: tuple(
            _explain(model.heads[level], label, split)
            for label in wanted
            if label in model.heads[level].classes
        )
        for level, wanted in labels.items()
        if level in model.heads
    }


def split_text(model: TriageModel, text: str) -> SplitText:
    """Split a text's features by its words."""
    traced = trace(text)
    words = [Span(start, end) for _, start, end in word_spans(traced.text)]
    row, _ = model.encode([traced.text])
    n_sparse = len(model.sparse_encoder.vocabulary)
    parts = _sparse_parts(model.sparse_encoder, traced.text, row[:, :n_sparse], len(words))
    dense = sparse.csr_matrix((len(words), row.shape[1] - n_sparse))
    if isinstance(model.dense_encoder, StaticEncoder):
        signs, vectors = _dense_parts(model.dense_encoder, traced.text, words)
        dense = model.dense_weight * vectors
        words = words + signs
        parts.resize(len(words), n_sparse)
    origins = [traced.origin(*word) for word in words]
    known = [at for at, origin in enumerate(origins) if origin is not None]
    spans = [origin for origin in origins if origin is not None]
    return SplitText(row, spans, sparse.hstack([parts, dense], format="csr")[known])


def located_features(text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the features of a normalised text, each with the numbers of its words.

    Examples
    --------
    >>> list(located_features("нет воды"))[2:]
    [('l net', (0,)), ('l voda', (1,)), ('b net voda', (0, 1))]
    """
    seen: Counter[str] = Counter()
    for feature in features(text):
        kind = feature[0]
        if kind == "q":  # long words alone have one, beside the "p" that each has
            yield feature, (seen["p"] - 1,)
            continue
        place = seen[kind]
        seen[kind] += 1
        yield feature, (place, place + 1) if kind == "b" else (place,)


def _explain(head: LinearHead, label: str, split: SplitText) -> Explanation:
    column = head.classes.index(label)
    margin = float(head.margins(split.row)[0, column])
    weights: defaultdict[Span, float] = defaultdict(float)
    for span, weight in zip(split.spans, split.parts @ head.coef[:, column], strict=True):
        weights[span] += float(weight)
    base = float(head.intercept[column])
    spans = tuple(SpanWeight(*span, weight) for span, weight in sorted(weights.items()) if weight)
    rest = margin - base - sum(span.weight for span in spans)
    return Explanation(label, margin, base, spans, rest)


def _sparse_parts(
    encoder: SparseEncoder, text: str, row: sparse.csr_matrix, n_words: int
) -> sparse.csr_matrix:
    """Share each feature among its words, by how often it occurs there."""
    found = [
        (word, encoder.vocabulary[feature], 1 / len(words))
        for feature, words in located_features(text)
        if feature in encoder.vocabulary
        for word in words
    ]
    counts = _matrix(found, (n_words, row.shape[1]))
    totals = np.asarray(counts.sum(axis=0))[0]
    values = np.divide(row.toarray()[0], totals, out=np.zeros_like(totals), where=totals > 0)
    counts.data *= values[counts.indices]
    return counts


def _dense_parts(
    encoder: StaticEncoder, text: str, words: Sequence[Span]
) -> tuple[list[Span], sparse.csr_matrix]:
    """Share each subword's part among the words that it touches.

    Returns
    -------
    signs
        Spans of subwords that touch none, white space apart.
    parts
        Shape (n_words + n_signs, n_dimensions), words first.
    """
    tokens, vectors = encoder.parts(text)
    word_of = {at: number for number, word in enumerate(words) for at in range(*word)}
    signs: list[Span] = []
    found: list[tuple[int, int, float]] = []
    for column, (start, end) in enumerate(tokens):
        touched = sorted({word_of[at] for at in range(start, end) if at in word_of})
        if not touched and text[start:end].strip():
            touched = [len(words) + len(signs)]
            signs.append(Span(end - len(text[start:end].lstrip()), end))
        found += [(row, column, 1 / len(touched)) for row in touched]
    shares = _matrix(found, (len(words) + len(signs), len(tokens)))
    return signs, sparse.csr_matrix(shares @ vectors)


def _matrix(entries: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> sparse.csr_matrix:
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    return sparse.csr_matrix((values, (rows, columns)), shape=shape, dtype=np.float64)
