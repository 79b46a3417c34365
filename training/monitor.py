"""Monitors what was decided in production: drift, unknown words, precision by blind checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.registry import LoadedModel
from models.selective import Contract
from training.benchmark.tables import NONE, number
from training.page import Section, write_page
from triage.figures import Period
from triage.health import Audited, AuditedPrecision, Drifts, FigureName, HealthFigure, State
from triage.monitoring import SAMPLE, Monitor
from triage.policy import Policy
from triage.progress import Reporter, Silent

JSON = "health.json"

MEASURES: Mapping[FigureName, str] = {
    "languages": "mix of languages",
    "categories": "mix of categories",
    "topics": "mix of topics",
    "confidence": "probability of the route",
    "unknown_words": "words the model does not know",
    "embeddings": "meaning of the texts",
}
STATES = {State.OK: "ok", State.WARN: "**breach**", State.TOO_FEW: "too few"}


@dataclass(frozen=True)
class Monitored:
    """What was found of a window.

    Attributes
    ----------
    figures
        Of the store alone, and of texts that the model encoded again.
    """

    model: str
    drifts: Drifts
    figures: tuple[HealthFigure, ...]
    audited: Audited

    @property
    def has_breaches(self) -> bool:
        """Whether anything is beyond its threshold."""
        return bool(self.audited.breaches) or any(one.state is State.WARN for one in self.figures)

    @property
    def metrics(self) -> dict[str, float]:
        """All figures under flat names, for MLflow."""
        return dict(self._metrics())

    @property
    def data_hash(self) -> str:
        """SHA-256 of everything that was counted, hexadecimal."""
        content = json.dumps(as_json(self), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def _metrics(self) -> Iterator[tuple[str, float]]:
        precision = self.audited.precision
        yield "breaches", float(len(self.audited.breaches))
        yield "checked", float(precision.n)
        if precision.value is not None and precision.low is not None:
            yield "audited_precision", precision.value
            yield "audited_precision_low", precision.low
        for one in self.figures:
            if one.value is not None and one.threshold is not None:
                yield one.name, one.value
                yield f"{one.name}_threshold", one.threshold


def monitor_decisions(
    monitor: Monitor,
    loaded: LoadedModel,
    window: Period,
    reference: Period,
    *,
    contract: Contract,
    policy: Policy,
    progress: Reporter | None = None,
) -> Monitored:
    """Measure a window of stored decisions against the one before it.

    Parameters
    ----------
    loaded
        The model that encodes texts of both windows.
    contract
        What that model promises under the policy.
    """
    drifts = monitor.drifts(window, reference)
    texts = monitor.texts(loaded.model, window, reference, progress or Silent())
    return Monitored(
        model=f"{loaded.name} {loaded.version}",
        drifts=drifts,
        figures=(*drifts.figures, *texts),
        audited=monitor.audited(window, contract, policy),
    )


def write_monitored(found: Monitored, folder: Path, *, facts: Sequence[str]) -> None:
    """Write the page, its plots, and all figures as JSON.

    Parameters
    ----------
    facts
        Lines that say where the figures come from.
    """
    from training.monitorplots import draw  # slow to load

    write_page(folder, "Health of the service", facts, list(sections(found)), list(draw(found)))
    content = json.dumps(as_json(found), ensure_ascii=False, indent=2)
    (folder / JSON).write_text(content + "\n", encoding="utf-8")


def as_json(found: Monitored) -> dict[str, Any]:
    """Return all figures, and the counts behind them, as JSON has them."""
    return {
        "model": found.model,
        "window": _period(found.drifts.window),
        "reference": _period(found.drifts.reference),
        "has_breaches": found.has_breaches,
        "figures": [asdict(one) for one in found.figures],
        "audited": asdict(found.audited),
        "counts": {
            name: {
                "reference": {label or NONE: n for label, n in mix.before.items()},
                "window": {label or NONE: n for label, n in mix.now.items()},
            }
            for name, mix in found.drifts.mixes.items()
        },
    }


def sections(found: Monitored) -> Iterator[Section]:
    """Return the page's sections."""
    yield Section(
        "Drift",
        "Above its threshold a figure has changed by more than chance would in 99 of 100 cases,"
        " and by enough to matter. Mixes and probabilities: population stability index;"
        " probabilities by tenths of those before, of the model that decided most. Words: share of"
        " the text's features that training had not seen. Meaning: squared maximum mean"
        f" discrepancy of embeddings. Texts are samples of {SAMPLE} at most; purged ones are left"
        " out.",
        ("figure", "value", "threshold", "state", "window", "before", "Jensen-Shannon, bits"),
        tuple(map(figure_row, found.figures)),
        ("drift", "mix-languages", "mix-categories", "mix-topics", "mix-confidence"),
    )
    yield Section(
        "Precision of what goes unseen",
        "By blind checks of the audit sample. A promise is broken where even the upper end of the"
        " interval is under it; what is asked of all parts together is shared out among them.",
        ("part", "precision", "interval", "promised", "state", "checked", "routed"),
        tuple(map(precision_row, precisions(found.audited).items())),
        ("precision",),
    )


def precisions(audited: Audited) -> dict[str, AuditedPrecision]:
    """Return the precision of all and of each part by the name that it is shown under."""
    named = {
        f"{one.language or 'other languages'}, {one.group or 'other enterprises'}": one
        for one in audited.parts
    }
    return {"all": audited.precision, **named}


def figure_row(one: HealthFigure) -> tuple[str, ...]:
    """Return the cells of a figure."""
    return (
        MEASURES[one.name],
        _finely(one.value),
        _finely(one.threshold),
        STATES[one.state],
        str(one.n),
        str(one.n_reference),
        number(one.jensen_shannon),
    )


def precision_row(named: tuple[str, AuditedPrecision]) -> tuple[str, ...]:
    """Return the cells of a precision."""
    name, one = named
    return (
        name,
        number(one.value),
        NONE if one.low is None else f"{one.low:.3f}–{one.high:.3f}",
        number(one.threshold),
        STATES[one.state],
        str(one.n),
        str(one.n_routed),
    )


def _finely(value: float | None) -> str:
    """Write a figure to four places: a discrepancy of embeddings is some thousandths."""
    return NONE if value is None else f"{value:.4f}"


def _period(period: Period) -> dict[str, str]:
    return {"since": period.since.isoformat(), "until": period.until.isoformat()}
