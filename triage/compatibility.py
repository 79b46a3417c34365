"""Whether a model speaks the city's language: the labels it was fitted on are known codes."""

from __future__ import annotations

from models.bundle import TriageModel
from models.prediction import Level
from triage.errors import IncompatibleModelError
from triage.taxonomy import Taxonomy

MAX_NAMED = 5
"""Unknown labels of a level that are named; the rest are counted."""


def unknown_labels(model: TriageModel, taxonomy: Taxonomy) -> dict[Level, tuple[str, ...]]:
    """Return the labels that a taxonomy does not know, by level; nothing where it knows all.

    Deprecated codes are known. Another version of the taxonomy by itself is no matter: a topic
    that was added since is one that the model never chooses. Enterprises are not asked about:
    their registry changes from day to day, and routing leaves out those that are gone.
    """
    # A category whose examples had no topics stands for its own topic (`training.data`).
    topics = taxonomy.topics.keys() | taxonomy.categories.keys()
    known: dict[Level, frozenset[str]] = {
        "category": frozenset(taxonomy.categories),
        "topic": frozenset(topics),
    }
    found: dict[Level, tuple[str, ...]] = {
        level: tuple(name for name in model.heads[level].classes if name not in codes)
        for level, codes in known.items()
        if level in model.heads
    }
    return {level: labels for level, labels in found.items() if labels}


def check_compatible(model: TriageModel, taxonomy: Taxonomy, where: str) -> None:
    """Check that a model can decide under a taxonomy.

    Parameters
    ----------
    where
        Names the model in the error.

    Raises
    ------
    IncompatibleModelError
        It knows labels that the taxonomy does not; they are named.
    """
    unknown = unknown_labels(model, taxonomy)
    if unknown:
        told = "; ".join(f"{level}: {_named(labels)}" for level, labels in unknown.items())
        raise IncompatibleModelError(
            f"{where} does not fit taxonomy {taxonomy.version}, which does not know {told}"
            f" (the model was fitted under {model.info.taxonomy_version or 'none'})"
        )


def _named(labels: tuple[str, ...]) -> str:
    more = len(labels) - MAX_NAMED
    return ", ".join(labels[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
