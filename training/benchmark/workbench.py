"""What every suite works with: where data lies, the encoder in turn, and models fitted once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from models.bundle import TriageModel
from models.encoders import DenseEncoder
from training.data import Examples
from training.encoders import STATIC, STATIC_FOLDER, choose_encoder
from training.fit import fit_model
from training.vectors import VectorCache, stored
from triage.policy import Policy
from triage.progress import Reporter

WEIGHTS = ("*.safetensors", "*.onnx")
"""Files by which an encoder is told from another of its name."""


@dataclass(frozen=True)
class NamedEncoder:
    """An encoder under the name that the results give it.

    Attributes
    ----------
    files
        Its weights, where they are files at hand.
    """

    name: str
    dense: DenseEncoder | None
    files: tuple[Path, ...]

    def stored(self, cache: VectorCache) -> NamedEncoder:
        """Return the same encoder with its vectors kept."""
        return replace(self, dense=stored(self.dense, cache))


@dataclass(frozen=True)
class Workbench:
    """Settings of a run, and the models that suites share.

    Attributes
    ----------
    shared
        Folder of the data sets that are not shipped.
    limit
        Rows of each file to read at most; None for all.
    fitted
        Models by name of the data and of the encoder.
    """

    shared: Path
    policy: Policy
    limit: int | None
    seed: int
    progress: Reporter
    fitted: dict[tuple[str, str], TriageModel] = field(default_factory=dict)

    def limited(self, examples: Examples) -> Examples:
        """Keep a random part of the rows, where there is a limit."""
        if self.limit is None or len(examples) <= self.limit:
            return examples
        part = examples.table.sample(self.limit, random_state=self.seed).sort_index()
        return replace(examples, table=part.reset_index(drop=True))

    def fit(self, name: str, examples: Examples, encoder: NamedEncoder) -> TriageModel:
        """Fit a model, or return the one that was fitted under this name."""
        key = (name, encoder.name)
        if key not in self.fitted:
            self.fitted[key] = fit_model(
                examples, dense_encoder=encoder.dense, seed=self.seed, progress=self.progress
            )
        return self.fitted[key]


def named_encoder(name: str) -> NamedEncoder:
    """Load what `--encoder` names.

    Raises
    ------
    EncoderUnavailableError
    """
    dense = choose_encoder(name)
    folder = STATIC_FOLDER if name == STATIC else Path(name)
    files = sorted(path for kind in WEIGHTS for path in folder.rglob(kind)) if dense else ()
    return NamedEncoder(Path(name).name, dense, tuple(files))
