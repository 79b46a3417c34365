"""Errors that a user can cause or must know of.

Each has a stable `code`; HTTP statuses are given to them in `api.errors` alone.
"""

from __future__ import annotations


class TriageError(Exception):
    """Base of the errors of this package; `code` is stable, the message is for people."""

    code = "triage_error"


class InvalidAppealError(TriageError):
    """An appeal that can't be taken; `field` names the part of it that is wrong."""

    code = "invalid_appeal"

    def __init__(self, message: str, *, field: str, code: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        if code is not None:
            self.code = code


class AppealConflictError(TriageError):
    """The same appeal id came before with another content."""

    code = "appeal_conflict"


class IdempotencyConflictError(TriageError):
    """Another appeal came under this idempotency key before."""

    code = "idempotency_conflict"


class IntakeClosedError(TriageError):
    """The service is shutting down and takes no appeal any more."""

    code = "intake_closed"


class ModelNotReadyError(TriageError):
    """No model is loaded, so nothing can be decided."""

    code = "model_not_ready"


class DecisionNotFoundError(TriageError):
    """No decision with this id in this city."""

    code = "decision_not_found"


class DecisionPurgedError(TriageError):
    """The appeal's text was removed after its retention period, and this needs it."""

    code = "decision_purged"


class InvalidReviewError(TriageError):
    """A review that names unknown codes, impossible pairs or gives no reason."""

    code = "invalid_review"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class ReviewConflictError(TriageError):
    """The decision was reviewed by somebody else since the reviewer looked at it."""

    code = "review_conflict"


class InvalidCursorError(TriageError):
    """A page cursor that this service did not give out."""

    code = "invalid_cursor"


class StoreUnavailableError(TriageError):
    """The database can't be reached or is not migrated."""

    code = "store_unavailable"


class BrokenLedgerError(TriageError):
    """The ledger does not verify; `sequence` is the first bad entry."""

    code = "broken_ledger"

    def __init__(self, message: str, *, sequence: int) -> None:
        super().__init__(message)
        self.sequence = sequence


class InvalidCityFileError(TriageError):
    """A city's file is wrong; `problems` says line by line what and why."""

    code = "invalid_city_file"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidSettingsError(TriageError):
    """A `TRIAGE_*` variable holds what it can't; the message names it."""

    code = "invalid_settings"


class InvalidRecordsError(TriageError):
    """A file of appeals can't be read; the message says which line and why."""

    code = "invalid_records"


class InvalidBackupError(TriageError):
    """A file that is no whole backup, or of other tables than this version has."""

    code = "invalid_backup"


class StoreNotEmptyError(TriageError):
    """The database that a backup is to be restored into holds something already."""

    code = "store_not_empty"


class NotSignedInError(TriageError):
    """Nobody is known to ask, and nobody in particular may not do this."""

    code = "not_signed_in"


class InvalidKeyError(NotSignedInError):
    """An API key that was never given out, or was revoked."""

    code = "invalid_key"


class ForbiddenError(TriageError):
    """Whoever asks is known and has not the role for this."""

    code = "forbidden"


class SignInFailedError(TriageError):
    """No such name, another password, or nobody who may sign in: it is not said which."""

    code = "sign_in_failed"


class TooManyRequestsError(TriageError):
    """An API key asked more often than it may; `retry_after` in seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyFailuresError(TooManyRequestsError):
    """Too many sign-ins failed under a name or from an address."""

    code = "too_many_failures"


class InvalidLinkError(TriageError):
    """A sign-in link that was used, ran out or was never made."""

    code = "invalid_link"


class IdentityRefusedError(TriageError):
    """The identity provider's word does not hold, or names nobody who may sign in."""

    code = "identity_refused"


class IdentityUnavailableError(TriageError):
    """The identity provider does not answer."""

    code = "identity_unavailable"


class InvalidPersonError(TriageError):
    """A person or key that can't be as asked for; `field` names what is wrong."""

    code = "invalid_person"

    def __init__(self, message: str, *, field: str, code: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        if code is not None:
            self.code = code


class PersonNotFoundError(TriageError):
    """Nobody has this name in this city."""

    code = "person_not_found"


class KeyNotFoundError(TriageError):
    """No API key has this id in this city."""

    code = "key_not_found"


class ReviewerMismatchError(InvalidReviewError):
    """A review that names another reviewer than the one who sends it."""

    code = "reviewer_mismatch"


class IncompatibleModelError(TriageError):
    """A model with labels that the city's taxonomy does not know; the message names them."""

    code = "incompatible_model"


class InvalidPolicyError(TriageError):
    """A policy with a number that can't be, or without a reason; `field` names it."""

    code = "invalid_policy"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidPromotionError(TriageError):
    """A model is to be promoted or rolled back in a way that can't be; `field` names what."""

    code = "invalid_promotion"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class ModelVersionNotFoundError(TriageError):
    """The registry has no such version of the model."""

    code = "model_version_not_found"


class GatesFailedError(TriageError):
    """A model has not passed the gates against the one that serves; the message says which."""

    code = "gates_failed"


class NothingToRollBackError(TriageError):
    """No model served before the one that serves now."""

    code = "nothing_to_roll_back"


class DrawNotFoundError(TriageError):
    """A decision that is not in the audit sample."""

    code = "draw_not_found"


class CheckConflictError(TriageError):
    """A decision of the audit sample that was checked before, or that the checker has seen."""

    code = "check_conflict"


class InvalidPeriodError(TriageError):
    """A period that ends before it begins; `field` names its end."""

    code = "invalid_period"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class FigureNotFoundError(TriageError):
    """No figure of the overview has this name."""

    code = "figure_not_found"
