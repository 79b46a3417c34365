"""Pools the heads of fine-tuned encoders with those that see words.

An encoder's vectors of the texts it was trained on are surer than those of any other text. A head
fitted on them would trust them too far, and all that is calibrated on them would be wrong. So the
heads of words are fitted without vectors, the network's own heads are added to them, and each fold
has an encoder that has not seen the texts it judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from models.classifier import Floats, LinearHead
from models.encoders import DenseEncoder, Vectors
from training.heads import OutOfFold

NETWORK_WEIGHT = 0.2
"""What a network's logits count beside margins; 0.1 to 0.6 were tried by cross-validation."""


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned encoder and the heads it was trained under.

    Attributes
    ----------
    heads
        By level, over the encoder's vectors of length one.
    """

    encoder: DenseEncoder
    heads: dict[str, LinearHead]

    def margins(self, vectors: Vectors) -> dict[str, Floats]:
        """Return what the heads say, by level, weighted: shape (n_texts, n_classes)."""
        return {
            name: NETWORK_WEIGHT * np.asarray(vectors @ head.coef + head.intercept, np.float64)
            for name, head in self.heads.items()
        }


@dataclass(frozen=True)
class Networks:
    """The network that serves, and what those of the folds say of texts they have not seen.

    Attributes
    ----------
    held_out
        By fold and level, weighted, shape (n_held_out, n_classes).
    """

    final: Tuned
    held_out: Sequence[Mapping[str, Floats]]

    @property
    def n_dimensions(self) -> int:
        """Length of the vectors: the last so many columns of `models.bundle.encode`."""
        return int(next(iter(self.final.heads.values())).coef.shape[0])

    def words(self, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return a feature matrix without the vectors."""
        return matrix[:, : matrix.shape[1] - self.n_dimensions]

    def pool_heads(
        self, heads: Mapping[str, LinearHead], dense_weight: float
    ) -> dict[str, LinearHead]:
        """Extend heads over words by what the network makes of the vector, where it has a head."""
        return {
            name: self._pooled(head, self.final.heads.get(name), dense_weight)
            for name, head in heads.items()
        }

    def pool_margins(self, out_of_fold: OutOfFold) -> OutOfFold:
        """Add what each fold's network says to the margins of heads over words."""
        pooled = {
            # Of very many rows one fold is judged only (`training.heads.MAX_FOLD_WORK`).
            name: [
                margins + network.get(name, 0.0)
                for margins, network in zip(by_fold, self.held_out, strict=False)
            ]
            for name, by_fold in out_of_fold.margins.items()
        }
        return OutOfFold(out_of_fold.splits, pooled)

    def _pooled(
        self, head: LinearHead, other: LinearHead | None, dense_weight: float
    ) -> LinearHead:
        if other is None:
            nothing = np.zeros((self.n_dimensions, len(head.classes)), dtype=np.float32)
            return LinearHead(head.classes, np.vstack([head.coef, nothing]), head.intercept)
        coef = other.coef * np.float32(NETWORK_WEIGHT / dense_weight)
        intercept = head.intercept + np.float32(NETWORK_WEIGHT) * other.intercept
        return LinearHead(head.classes, np.vstack([head.coef, coef]), intercept)
