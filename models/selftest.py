"""A few texts with what the model says of them, kept with it, so that a broken one shows.

A manifest tells files that were altered. It does not tell another version of a library, another
processor or another tokenizer, under which the same files answer differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from models.errors import BrokenModelError
from models.prediction import Level, Prediction

TEXTS = (
    "Нет горячей воды во всём доме третий день, подъезд холодный",
    "Аулада қар тазаланбаған, жолмен жүру мүмкін емес",
    "Добрый день, автобус 32 мүлдем келмейді, ждали час на остановке",
    "Kozhe sham zhanbaidy, qarangy",
    "Проверка связи: 12345 qwerty",
    "",
)
"""Nobody's appeals: Russian, Kazakh, both at once, Latin letters, no words, nothing at all."""

TOLERANCE = 0.02
"""How far a probability may be off: libraries and processors add numbers up in another order, and
int8 encoders round where instructions differ. What is broken is off by more."""


@dataclass(frozen=True, slots=True)
class Case:
    """A text and what the model said of it when it was saved.

    Attributes
    ----------
    expected
        For each level, probabilities by label, of the candidates alone.
    urgency
        None where the model has no urgency head.
    """

    text: str
    expected: Mapping[Level, Mapping[str, float]]
    urgency: float | None


class Predicts(Protocol):
    """What is tested."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Score texts."""
        ...


def record(model: Predicts) -> tuple[Case, ...]:
    """Return what a model says of the texts now."""
    return tuple(
        Case(
            text,
            {
                level: {one.code: one.probability for one in candidates}
                for level, candidates in prediction.levels.items()
            },
            prediction.urgency,
        )
        for text, prediction in zip(TEXTS, model.predict(TEXTS), strict=True)
    )


def check(model: Predicts, cases: Sequence[Case], where: str) -> None:
    """Compare what a model says now with what it said.

    Parameters
    ----------
    where
        Names the model in the error.

    Raises
    ------
    BrokenModelError
        It fails on a text, or a probability is off by more than `TOLERANCE`.
    """
    try:
        predictions = model.predict([case.text for case in cases])
    except Exception as error:  # whatever an encoder raises, the model can't serve
        raise BrokenModelError(f"{where}: self-test: {type(error).__name__}: {error}") from error
    for number, (case, prediction) in enumerate(zip(cases, predictions, strict=True), start=1):
        for name, stated, found in _pairs(case, prediction):
            # Written so that NaN fails.
            if found is None or not abs(found - stated) <= TOLERANCE:
                raise BrokenModelError(
                    f"{where}: self-test {number}: {name} has probability {found},"
                    f" {stated:.4f} when it was saved"
                )


def to_json(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return what is written beside the model."""
    return [
        {"text": case.text, "expected": case.expected, "urgency": case.urgency} for case in cases
    ]


def from_json(content: list[dict[str, Any]]) -> tuple[Case, ...]:
    """Read what `to_json` made."""
    return tuple(Case(**one) for one in content)


def _pairs(case: Case, prediction: Prediction) -> list[tuple[str, float, float | None]]:
    """Name each probability, as it was and as it is; None where there is none any more."""
    pairs: list[tuple[str, float, float | None]] = []
    for level, expected in case.expected.items():
        now = prediction.distributions.get(level)
        found = dict(zip(now.classes, now.probabilities.tolist(), strict=True)) if now else {}
        pairs += [(f"{level} {code}", stated, found.get(code)) for code, stated in expected.items()]
    if case.urgency is not None:
        pairs.append(("urgency", case.urgency, prediction.urgency))
    return pairs
