"""Policies that people set: who, when and why, and the one that holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from sqlalchemy.orm import Session

from triage import audit
from triage.errors import InvalidPolicyError
from triage.policy import Policy
from triage.store import policies
from triage.store.sessions import Sessions
from triage.store.tables import PolicyTable

FROM_SETTINGS = 0
"""Version of the policy of the settings, which holds until somebody sets another."""

OPEN_SHARES = ("target_precision", "confidence", "shortlist_coverage")
"""Numbers between 0 and 1, neither of which can be promised."""

MAX_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy and where it comes from.

    Attributes
    ----------
    version
        1 for the first that was set, `FROM_SETTINGS` for that of the settings.
    actor, reason, set_at
        Who set it, why and when; None for that of the settings.
    """

    policy: Policy
    version: int
    actor: str | None
    reason: str | None
    set_at: datetime | None


class PolicyBook:
    """Reads and sets the policy of a city.

    Parameters
    ----------
    default
        Holds until one is set.
    apply
        Told each policy that comes into force, as `TriageService.set_policy` wants to be.
    """

    def __init__(
        self,
        sessions: Sessions,
        city_code: str,
        default: Policy,
        *,
        apply: Callable[[Policy], None] = lambda policy: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._city = city_code
        self._default = default
        self._apply = apply
        self._clock = clock
        self._applied = FROM_SETTINGS
        self._applying = Lock()

    def current(self) -> StoredPolicy:
        """Return the policy that holds."""
        with self._sessions.read.begin() as session:
            return self._current(session)

    def history(self) -> tuple[StoredPolicy, ...]:
        """Return all policies that were set, newest first, and that of the settings at the end."""
        with self._sessions.read.begin() as session:
            rows = policies.newest_first(session, city=self._city)
            return (*map(self._to_stored, rows), self._of_settings())

    def find(self, content: str) -> Policy | None:
        """Return the policy whose content has this version (`Policy.version`), if one ever held."""
        held = (stored.policy for stored in self.history())
        return next((policy for policy in held if policy.version == content), None)

    def set(
        self, policy: Policy, *, actor: str, reason: str, expected_version: int | None = None
    ) -> StoredPolicy:
        """Set the policy; it holds here at once, and elsewhere from the next `refresh` on.

        Parameters
        ----------
        expected_version
            The version that whoever sets it has seen; None to set it whatever holds now.

        Raises
        ------
        InvalidPolicyError
            A number is out of its bounds, the reason is blank, or another policy was set since.
        """
        check_policy(policy)
        if not reason.strip():
            raise InvalidPolicyError("a policy is set for a reason: say which", field="reason")
        at = self._clock()
        with self._sessions.write.begin() as session:
            before = self._current(session)
            if expected_version not in (None, before.version):
                raise InvalidPolicyError(
                    f"version {before.version} holds by now, set by {before.actor}",
                    field="expected_version",
                )
            version = policies.add(
                session,
                city=self._city,
                numbers=asdict(policy),
                actor=actor,
                reason=reason,
                set_at=at,
            )
            audit.append(
                session,
                city=self._city,
                kind=audit.Kind.POLICY_SET,
                subject_id=str(version),
                actor=actor,
                payload={
                    "from": asdict(before.policy),
                    "to": asdict(policy),
                    "content": policy.version,
                    "reason": reason,
                },
                at=at,
            )
        self.refresh()
        return StoredPolicy(policy, version, actor, reason, at)

    def refresh(self) -> bool:
        """Apply the policy that holds, if another worker set it; tell whether that was so.

        Costs one number read from an index where nothing has changed.
        """
        with self._applying:
            with self._sessions.read.begin() as session:
                if policies.latest_version(session, city=self._city) == self._applied:
                    return False
                current = self._current(session)
            self._apply(current.policy)
            self._applied = current.version
            return True

    def _current(self, session: Session) -> StoredPolicy:
        found = policies.newest_first(session, city=self._city, limit=1)
        return self._to_stored(found[0]) if found else self._of_settings()

    def _of_settings(self) -> StoredPolicy:
        return StoredPolicy(self._default, FROM_SETTINGS, None, None, None)

    def _to_stored(self, row: PolicyTable) -> StoredPolicy:
        # A number that a later version of the service added has its default in older rows.
        known: dict[str, Any] = {
            field.name: row.numbers[field.name]
            for field in fields(Policy)
            if field.name in row.numbers
        }
        return StoredPolicy(Policy(**known), row.version, row.actor, row.reason, row.set_at)


def check_policy(policy: Policy) -> None:
    """Check every number of a policy.

    Raises
    ------
    InvalidPolicyError
        Names the first number that is out of its bounds, and the bounds.
    """
    for name in OPEN_SHARES:
        if not 0 < getattr(policy, name) < 1:
            _refuse(policy, name, "lie between 0 and 1, without either")
    if not 0 <= policy.urgent_probability <= 1:
        _refuse(policy, "urgent_probability", "lie between 0 and 1")
    if not 0 < policy.secondary_probability <= 1:
        _refuse(policy, "secondary_probability", "lie above 0 and be at most 1")
    if not 1 <= policy.urgent_hours <= MAX_HOURS or policy.urgent_hours != int(policy.urgent_hours):
        _refuse(policy, "urgent_hours", f"be a whole number from 1 to {MAX_HOURS}")


def _refuse(policy: Policy, name: str, bounds: str) -> None:
    raise InvalidPolicyError(f"{name} must {bounds}, not {getattr(policy, name)}", field=name)
