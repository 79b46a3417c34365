"""Follows the registry's aliases: a model that was promoted serves without a restart."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import structlog

from models.errors import ModelError, ModelNotFoundError
from models.registry import SCHEME, LoadedModel, ModelRegistry
from triage.config import CHALLENGER
from triage.errors import ModelNotReadyError, TriageError
from triage.service import TriageService
from triage.shadowing import Shadow

RETRY_SECONDS = 300.0
"""When a version that could not be loaded is tried again: its files may have been in a muddle."""

SWAPPED, KEPT = "swapped", "kept"

log = structlog.get_logger(__name__)


class Follower:
    """Keeps the service on the model that its reference names, and the shadow on the challenger.

    A version that can't be loaded, fails its self-test or does not fit the city's taxonomy is not
    used: what served before goes on serving, and `error` says why.

    Parameters
    ----------
    reference
        Model folder, or ``models:/name@alias``; a folder is loaded once.
    clock
        Seconds that only rise.

    Attributes
    ----------
    error
        Why the service is not on the model that the reference names; None where it is.
    outcomes
        How often another model was swapped in, and how often the old one was kept.
    """

    def __init__(
        self,
        service: TriageService,
        shadow: Shadow,
        registry: ModelRegistry,
        reference: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.error: ModelError | TriageError | None = None
        self.outcomes: Counter[str] = Counter()
        self._service = service
        self._shadow = shadow
        self._registry = registry
        self._reference = reference
        self._clock = clock
        self._refused: dict[str, float] = {}

    def look(self) -> None:
        """Look at the aliases once, and follow where they point."""
        try:
            self._follow_champion()
        except (ModelError, TriageError) as error:
            self._tell(error)
        else:
            self.error = None
        if self._is_alias:
            self._follow_challenger()

    @property
    def _is_alias(self) -> bool:
        return self._reference.startswith(SCHEME)

    def _follow_champion(self) -> None:
        wanted = self._wanted(self._reference)
        if wanted == self._serving:
            return
        if self._is_refused(wanted) and self.error is not None:
            raise self.error
        try:
            self._service.use(self._registry.load(wanted, self_test=True))
        except (ModelError, TriageError):
            self._refused[wanted] = self._clock()
            self.outcomes[KEPT] += 1
            raise
        self.outcomes[SWAPPED] += 1
        log.info("model.loaded", reference=wanted)

    def _follow_challenger(self) -> None:
        """Shadow the challenger, or nobody where there is none or it can't be loaded."""
        name = self._reference.removeprefix(SCHEME).partition("@")[0].partition("/")[0]
        try:
            wanted = self._wanted(f"{SCHEME}{name}@{CHALLENGER}")
        except ModelNotFoundError:
            self._shadow.use(None)
            return
        except ModelError:
            return  # the registry is gone for now: the champion's error says so
        shadowed = self._shadow.challenger
        if (shadowed and _reference_of(shadowed.loaded) == wanted) or self._is_refused(wanted):
            return
        try:
            self._shadow.use(self._service.prepare(self._registry.load(wanted, self_test=True)))
        except (ModelError, TriageError) as error:
            self._refused[wanted] = self._clock()
            self._shadow.use(None)
            log.warning("challenger.not_loaded", reference=wanted, code=error.code)
        else:
            log.info("challenger.loaded", reference=wanted)

    def _wanted(self, reference: str) -> str:
        """Return the version that a reference names now; a folder is its own version."""
        if not reference.startswith(SCHEME):
            return reference
        name, version = self._registry.resolve(reference)
        return f"{SCHEME}{name}/{version}"

    @property
    def _serving(self) -> str | None:
        try:
            versions = self._service.versions
        except ModelNotReadyError:
            return None
        if not self._is_alias:
            return self._reference
        return f"{SCHEME}{versions.model_name}/{versions.model_version}"

    def _is_refused(self, wanted: str) -> bool:
        refused_at = self._refused.get(wanted)
        return refused_at is not None and self._clock() - refused_at < RETRY_SECONDS

    def _tell(self, error: ModelError | TriageError) -> None:
        if self.error is None or str(self.error) != str(error):
            log.error("model.not_loaded", model=self._reference, code=error.code, reason=str(error))
        self.error = error


def _reference_of(loaded: LoadedModel) -> str:
    return f"{SCHEME}{loaded.name}/{loaded.version}"
