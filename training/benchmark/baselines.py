"""Methods that others use, with fixed settings, to put beside ours.

Each takes training texts, their labels and texts to judge, and returns one value for each class.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from models.classifier import Floats, fit_head
from models.text import words
from training.errors import TrainingError
from training.metrics import Choices, Labels

EXTRA = "appeal-triage[benchmark]"
PREFIXES = (4, 6)
FASTTEXT = {
    "epoch": 50,
    "lr": 0.5,
    "wordNgrams": 2,
    "minn": 3,
    "maxn": 5,
    "dim": 100,
    "bucket": 200_000,
    "thread": 1,  # several threads race for the weights: another answer each time
    "seed": 0,
    "verbose": 0,
}

_NO_LETTER = re.compile(r"\W")


class BaselineUnavailableError(TrainingError):
    """A baseline whose library is not installed."""

    code = "baseline_unavailable"


@dataclass(frozen=True)
class Ranking:
    """One value for each text and class.

    Attributes
    ----------
    values
        Shape (n_texts, n_classes).
    probable
        Whether the values are probabilities; else they only rank.
    """

    classes: tuple[str, ...]
    values: Floats
    probable: bool


Baseline = Callable[[Sequence[str], Sequence[str], Sequence[str]], Ranking]


def choose(
    baseline: Baseline, train: tuple[Labels, Labels], test: tuple[Labels, Labels]
) -> Choices:
    """Fit a baseline on texts that have a label, and let it choose for others.

    Parameters
    ----------
    train, test
        Texts and labels of each side; labels may be None.
    """
    texts, labels = train
    known = np.array([label is not None for label in labels], dtype=bool)
    ranking = baseline(texts[known].tolist(), labels[known].tolist(), test[0].tolist())
    return Choices.of(test[1], ranking.values, ranking.classes, probable=ranking.probable)


def signalen(texts: Sequence[str], labels: Sequence[str], judged: Sequence[str]) -> Ranking:
    """Classify as Signalen does: stems, term frequencies, L1 logistic regression.

    Raises
    ------
    BaselineUnavailableError
    """
    with _needing_extra():
        import snowballstemmer
    stemmer = snowballstemmer.stemmer("russian")

    def stems(text: str) -> str:
        return " ".join(stemmer.stemWords(_plain(text).split()))

    counts = CountVectorizer(preprocessor=stems)
    frequencies = TfidfTransformer(use_idf=False)
    head = LogisticRegression(l1_ratio=1.0, solver="liblinear", C=1.0, max_iter=300, random_state=0)
    matrix = frequencies.fit_transform(counts.fit_transform(texts))
    model = OneVsRestClassifier(head).fit(matrix, labels)
    values = model.predict_proba(frequencies.transform(counts.transform(judged)))
    return Ranking(tuple(model.classes_), values, probable=True)


_TRAIN = """
import json, sys, fasttext
file, saved, options = sys.argv[1:]
fasttext.train_supervised(file, **json.loads(options)).save_model(saved)
"""
"""In a process of its own: with one thread fastText fills a tenth of its table at the start, and
takes the rest as it finds it, which is zero in fresh memory alone."""


def fasttext(texts: Sequence[str], labels: Sequence[str], judged: Sequence[str]) -> Ranking:
    """Classify with fastText: bags of words, word pairs and pieces of words.

    Raises
    ------
    BaselineUnavailableError
    """
    with _needing_extra():
        import fasttext as library
    classes = tuple(sorted(set(labels)))
    marks = {label: f"__label__{number}" for number, label in enumerate(classes)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        lines = (
            f"{marks[label]} {_plain(text)}\n" for text, label in zip(texts, labels, strict=True)
        )
        file.write_text("".join(lines), encoding="utf-8")
        saved = Path(folder) / "model.bin"
        command = [sys.executable, "-c", _TRAIN, str(file), str(saved), json.dumps(FASTTEXT)]
        subprocess.run(command, check=True)  # noqa: S603  # our own words
        model = library.load_model(str(saved))
    column = {mark: number for number, mark in enumerate(marks.values())}
    values = np.zeros((len(judged), len(classes)))
    for row, text in enumerate(judged):
        found, probabilities = model.predict(_plain(text), k=-1)
        values[row, [column[mark] for mark in found]] = probabilities
    # Single precision leaves sums a little off one.
    return Ranking(classes, np.minimum(values, 1.0), probable=True)


def prefix_svm(texts: Sequence[str], labels: Sequence[str], judged: Sequence[str]) -> Ranking:
    """Classify with a linear SVM over TF-IDF of word prefixes."""
    vectorizer = TfidfVectorizer(analyzer=_prefixes, sublinear_tf=True)
    head = fit_head(sparse.csr_matrix(vectorizer.fit_transform(texts)), labels, seed=0)
    margins = head.margins(sparse.csr_matrix(vectorizer.transform(judged)))
    return Ranking(head.classes, margins, probable=False)


@contextmanager
def _needing_extra() -> Iterator[None]:
    """Say what to install where an import fails."""
    try:
        yield
    except ImportError as error:
        raise BaselineUnavailableError(f"needs `pip install '{EXTRA}'`") from error


def _plain(text: str) -> str:
    return " ".join(_NO_LETTER.sub(" ", text.lower()).split())


def _prefixes(text: str) -> Iterator[str]:
    return (word[:size] for word in words(text) for size in PREFIXES)
