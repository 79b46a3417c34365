"""Vectors of appeals, kept in memory for comparisons."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Lock

from scipy import sparse

from models.bundle import TriageModel
from models.text import normalise

CAPACITY = 10_000
"""Vectors in memory: some 30 MB of a static encoder's."""

Key = tuple[str, str]
"""Fingerprint of the model, and id of the decision."""


class Vectors:
    """The vectors that were asked for last, of length one; safe to share among threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._rows: OrderedDict[Key, sparse.csr_matrix] = OrderedDict()
        self._lock = Lock()

    def of(
        self,
        model: TriageModel,
        ids: Sequence[str],
        read: Callable[[Collection[str]], Mapping[str, str]],
    ) -> sparse.csr_matrix:
        """Return the vectors of appeals, shape (n_ids, n_dimensions), at least one of them.

        Parameters
        ----------
        read
            Returns the texts of those whose vectors are not in memory.
        """
        keys = [(model.fingerprint, one) for one in ids]
        with self._lock:
            rows = {key: self._rows[key] for key in keys if key in self._rows}
        missing = [key for key in dict.fromkeys(keys) if key not in rows]
        if missing:
            found = read([one for _, one in missing])
            rows |= zip(missing, vectors(model, [found[one] for _, one in missing]), strict=True)
        self._keep({key: rows[key] for key in keys})
        return sparse.vstack([rows[key] for key in keys], format="csr")

    def _keep(self, rows: Mapping[Key, sparse.csr_matrix]) -> None:
        with self._lock:
            for key, row in rows.items():
                self._rows[key] = row
                self._rows.move_to_end(key)
            while len(self._rows) > self._capacity:
                self._rows.popitem(last=False)


def vectors(model: TriageModel, texts: Sequence[str]) -> sparse.csr_matrix:
    """Return vectors of length one by the dense encoder, by words for a model without one."""
    plain = [normalise(text) for text in texts]
    if model.dense_encoder is not None:
        return sparse.csr_matrix(model.dense_encoder.encode(plain))
    # Slow to import, and most models have a dense encoder.
    from sklearn.preprocessing import normalize

    return normalize(model.sparse_encoder.encode(plain)[0])
