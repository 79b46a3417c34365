"""What MLflow loads: the model behind `mlflow.pyfunc`, `mlflow models serve` and `spark_udf`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from models import folder
from models.bundle import TriageModel
from models.output import as_json
from models.prediction import LEVELS

TEXT, LANGUAGE = "text", "language"


class PyfuncModel:
    """Answers a frame of texts with a frame of the answers of `triage classify`."""

    def __init__(self, model: TriageModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classify the column ``text``, with ``language`` as a hint where it is given."""
        del params  # MLflow passes it to every model; this one has none
        hints = frame[LANGUAGE] if LANGUAGE in frame else [None] * len(frame)
        predictions = self.model.predict(
            [text if isinstance(text, str) else "" for text in frame[TEXT]],
            [hint if isinstance(hint, str) else None for hint in hints],
        )
        answers = [as_json(answer) for answer in predictions]
        return pd.DataFrame(answers, index=frame.index, columns=[LANGUAGE, *LEVELS])


def _load_pyfunc(path: str) -> PyfuncModel:
    """Load a model folder; MLflow calls it by this name."""
    return PyfuncModel(folder.load(Path(path)))
