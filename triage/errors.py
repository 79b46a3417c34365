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


class ModelNotReadyError(TriageError):
    """No model is loaded, so nothing can be decided."""

    code = "model_not_ready"


class DecisionNotFoundError(TriageError):
    """No decision with this id in this city."""

    code = "decision_not_found"


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
