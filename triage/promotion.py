"""Which model serves: promoted if it passed the gates, rolled back, and who did so and why.

The registry's aliases say what serves, the ledger says who wanted that, and no transaction spans
both. The ledger is written first: an intention without the move is seen and repaired, a move that
nobody recorded would not be. After a crash in between, `unfinished` returns the intention, and
promoting or rolling back again moves the aliases. `previous` is moved before `champion`, so that
whatever serves can be rolled back from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from models.errors import ModelNotFoundError
from models.registry import SCHEME, ModelRegistry, RegisteredModel
from triage import audit
from triage.audit import Kind
from triage.config import CHALLENGER, CHAMPION, MODEL_NAME
from triage.errors import (
    GatesFailedError,
    InvalidPromotionError,
    ModelVersionNotFoundError,
    NothingToRollBackError,
)
from triage.store import events
from triage.store.events import Event
from triage.store.sessions import Sessions

PREVIOUS = "previous"
"""Alias of the version that served before the champion."""

GATES, GATES_REPORT, GATES_AGAINST = "gates", "gates.report", "gates.against"
"""Tags of a version: whether it passed, what each gate found, and the champion it was held to."""

PASSED, FAILED = "passed", "failed"

Verdict = Literal["passed", "failed", "not_run", "outdated", "first"]
"""What the gates say of a version, held to what serves now; the first champion needs none."""


@dataclass(frozen=True, slots=True)
class GateReport:
    """What one gate found."""

    name: str
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A champion that was moved.

    Attributes
    ----------
    before
        The version that served, None where there was none.
    forced
        Whether the gates were overruled.
    """

    before: str | None
    after: str
    gates: Verdict
    forced: bool


class Promotion:
    """Moves the aliases of a registered model and records who wanted it.

    Parameters
    ----------
    name
        Of the registered model.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        sessions: Sessions,
        city_code: str,
        *,
        name: str = MODEL_NAME,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._registry = registry
        self._sessions = sessions
        self._city = city_code
        self._clock = clock

    def models(self) -> list[RegisteredModel]:
        """Return every version, the newest first.

        Raises
        ------
        RegistryUnavailableError
        """
        return self._registry.list_versions(self.name)

    def promote(self, version: str, *, actor: str, reason: str, force: bool = False) -> Moved:
        """Have a version serve; what served before is kept under the alias `previous`.

        Parameters
        ----------
        force
            Overrule gates that did not pass; recorded as such.

        Raises
        ------
        ModelVersionNotFoundError
            There is no such version.
        GatesFailedError
            It has not passed the gates against the version that serves.
        InvalidPromotionError
            The reason is blank.
        RegistryUnavailableError
        """
        _check_reason(reason)
        wanted = self._find(version)
        before = self._alias(CHAMPION)
        verdict = gates_of(wanted, before)
        passed = verdict in (PASSED, "first")
        if not passed and not force:
            raise GatesFailedError(_refusal(wanted, verdict, before))
        moved = Moved(before, wanted.version, verdict, forced=not passed)
        failed = [gate.name for gate in gate_reports(wanted) if not gate.passed]
        self._record(
            Kind.MODEL_PROMOTED,
            moved,
            actor=actor,
            reason=reason,
            more={"gates": verdict, "gates_failed": failed, "forced": moved.forced},
        )
        self._move(moved)
        return moved

    def rollback(self, *, actor: str, reason: str) -> Moved:
        """Have the version serve that served before; rolling back again undoes that.

        Raises
        ------
        NothingToRollBackError
            No other version served before.
        InvalidPromotionError
            The reason is blank.
        RegistryUnavailableError
        """
        _check_reason(reason)
        before, previous = self._alias(CHAMPION), self._alias(PREVIOUS)
        if previous is None or previous == before:
            raise NothingToRollBackError("no other version served before this one")
        moved = Moved(before, previous, "not_run", forced=False)
        self._record(Kind.MODEL_ROLLED_BACK, moved, actor=actor, reason=reason, more={})
        self._move(moved)
        return moved

    def set_challenger(self, version: str | None, *, actor: str) -> None:
        """Have a version decide in the shadow, or none.

        Raises
        ------
        ModelVersionNotFoundError, RegistryUnavailableError
        InvalidPromotionError
            The version serves, so there is nothing to challenge.
        """
        before = self._alias(CHALLENGER)
        if version is None:
            self._record_challenger(before, None, actor)
            if before is not None:
                self._registry.delete_alias(self.name, CHALLENGER)
            return
        wanted = self._find(version)
        if wanted.version == self._alias(CHAMPION):
            raise InvalidPromotionError(f"version {version} serves already", field="version")
        self._record_challenger(before, wanted.version, actor)
        self._registry.set_alias(self.name, CHALLENGER, wanted.version)

    def unfinished(self) -> Event | None:
        """Return the last move in the ledger, if the alias does not stand where it went; else None.

        So it is after a crash between the two, while a move is in the making, and where somebody
        moved the alias past this service.
        """
        with self._sessions.read.begin() as session:
            last = events.last_of(
                session,
                city=self._city,
                kinds=(Kind.MODEL_PROMOTED, Kind.MODEL_ROLLED_BACK),
                prefix=f"{self.name}/",
            )
        return None if last is None or last.payload["to"] == self._alias(CHAMPION) else last

    def _find(self, version: str) -> RegisteredModel:
        try:
            return self._registry.find_version(self.name, version)
        except ModelNotFoundError as error:
            raise ModelVersionNotFoundError(f"{self.name} has no version {version}") from error

    def _alias(self, alias: str) -> str | None:
        try:
            return self._registry.resolve(f"{SCHEME}{self.name}@{alias}")[1]
        except ModelNotFoundError:
            return None

    def _move(self, moved: Moved) -> None:
        if moved.before not in (None, moved.after):
            self._registry.set_alias(self.name, PREVIOUS, str(moved.before))
        self._registry.set_alias(self.name, CHAMPION, moved.after)
        if self._alias(CHALLENGER) == moved.after:  # it has nobody left to challenge
            self._registry.delete_alias(self.name, CHALLENGER)

    def _record(
        self, kind: Kind, moved: Moved, *, actor: str, reason: str, more: Mapping[str, Any]
    ) -> None:
        payload = {"name": self.name, "from": moved.before, "to": moved.after, "reason": reason}
        self._append(kind, moved.after, actor, payload | dict(more))

    def _record_challenger(self, before: str | None, after: str | None, actor: str) -> None:
        payload = {"name": self.name, "from": before, "to": after}
        self._append(Kind.CHALLENGER_SET, after or before or "none", actor, payload)

    def _append(self, kind: Kind, version: str, actor: str, payload: Mapping[str, Any]) -> None:
        with self._sessions.write.begin() as session:
            audit.append(
                session,
                city=self._city,
                kind=kind,
                subject_id=f"{self.name}/{version}",
                actor=actor,
                payload=payload,
                at=self._clock(),
            )


def gates_of(model: RegisteredModel, champion: str | None) -> Verdict:
    """Tell whether a version may take the place of the champion, by its tags."""
    if champion is None:
        return "first"
    if GATES not in model.tags:
        return "not_run"
    if model.tags.get(GATES_AGAINST) != champion:
        return "outdated"
    return "passed" if model.tags[GATES] == PASSED else "failed"


def gate_reports(model: RegisteredModel) -> tuple[GateReport, ...]:
    """Return what each gate found of a version; nothing where none was run."""
    return tuple(GateReport(**one) for one in json.loads(model.tags.get(GATES_REPORT, "[]")))


def gate_tags(reports: Sequence[GateReport], champion: str) -> dict[str, str]:
    """Return the tags that tell what gates found of a version, held to a champion."""
    listed = [{"name": one.name, "passed": one.passed, "reason": one.reason} for one in reports]
    return {
        GATES: PASSED if all(one.passed for one in reports) else FAILED,
        GATES_REPORT: json.dumps(listed, ensure_ascii=False),
        GATES_AGAINST: champion,
    }


def _refusal(model: RegisteredModel, verdict: Verdict, champion: str | None) -> str:
    if verdict == "not_run":
        return f"version {model.version} has not been through the gates"
    if verdict == "outdated":
        against = model.tags.get(GATES_AGAINST)
        return (
            f"version {model.version} was held to version {against}, and version {champion}"
            " serves by now"
        )
    failed = [f"{one.name}: {one.reason}" for one in gate_reports(model) if not one.passed]
    return "\n".join([f"version {model.version} does not pass these gates:", *failed])


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidPromotionError("a model is moved for a reason: say which", field="reason")
