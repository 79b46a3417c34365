"""Sentence vectors, each computed once and kept on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np

from models.encoders import DenseEncoder, StaticEncoder, Vectors
from training.errors import TrainingError
from triage.progress import Reporter, Silent

CACHE = "vectors.sqlite"
"""Name of the file under the service's home."""

BATCH = 64
"""Texts between two writes to disk: what is lost, at most, when a run is cut off."""

PROBE = "На дороге яма, жолда шұңқыр бар"
"""An encoder is known by its vector of this text, whatever its folder is called."""


class Encodes(Protocol):
    """What is asked of an encoder."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return vectors of length one, shape (n_texts, n_dimensions)."""
        ...


class VectorCache:
    """Vectors by key in a SQLite file, in half precision.

    Raises
    ------
    TrainingError
        The file is something else.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path)
        try:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
            )
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise TrainingError(f"{path}: not a cache of vectors ({error}): remove it") from error

    def __enter__(self) -> VectorCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, key: bytes) -> Vectors | None:
        """Return a vector, None where it has not been kept."""
        query = "SELECT vector FROM vectors WHERE key = ?"
        found = self._connection.execute(query, (key,)).fetchone()
        return None if found is None else np.frombuffer(found[0], np.float16).astype(np.float32)

    def put(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Keep vectors; all of them, or none if the process ends meanwhile."""
        rows = [
            (key, vector.astype(np.float16).tobytes())
            for key, vector in zip(keys, vectors, strict=True)
        ]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)


class CachedEncoder:
    """A sentence encoder that remembers from one run to the next.

    Parameters
    ----------
    encoder
        Computes the vectors.
    cache
        Where they are kept, by what the encoder makes of `PROBE` and by the text.
    """

    def __init__(self, encoder: Encodes, cache: VectorCache) -> None:
        self._encoder = encoder
        self._cache = cache
        probe = encoder.encode([PROBE])
        self.n_dimensions = probe.shape[1]
        self._fingerprint = probe.astype(np.float16).tobytes()

    def encode(self, texts: Sequence[str], step: str, progress: Reporter) -> Vectors:
        """Return vectors, shape (n_texts, n_dimensions), new ones under a bar."""
        keys = [sha256(self._fingerprint + text.encode()).digest() for text in texts]
        known = {key: vector for key in keys if (vector := self._cache.get(key)) is not None}
        # By length, since a batch takes the time of its longest text.
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        ordered = sorted(missing.items(), key=lambda item: len(item[1]))
        starts = range(0, len(ordered), BATCH)
        for start in progress.track(f"{step} (batches of {BATCH})", starts, len(starts)):
            batch = dict(ordered[start : start + BATCH])
            vectors = self._encoder.encode(list(batch.values()))
            self._cache.put(list(batch), vectors)
            known |= dict(zip(batch, vectors.astype(np.float16).astype(np.float32), strict=True))
        return np.array([known[key] for key in keys], dtype=np.float32)


class StoredEncoder:
    """A dense encoder whose vectors are kept: the same texts are fitted on many times."""

    def __init__(self, encoder: DenseEncoder, cache: VectorCache) -> None:
        self.name, self.save = encoder.name, encoder.save
        self._cached = CachedEncoder(encoder, cache)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return vectors of length one, shape (n_texts, n_dimensions)."""
        return self._cached.encode(texts, self.name, Silent())


def stored(encoder: DenseEncoder | None, cache: VectorCache) -> DenseEncoder | None:
    """Return an encoder with its vectors kept, unless computing them takes no time."""
    if encoder is None or isinstance(encoder, StaticEncoder):
        return encoder
    return StoredEncoder(encoder, cache)
