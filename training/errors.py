"""Errors that a data scientist can cause; `code` is stable, the message is for people."""


class TrainingError(Exception):
    """Base of the errors of this package."""

    code = "training_error"


class InvalidTrainingDataError(TrainingError):
    """A training file that can't be used; says which file, which line and why."""

    code = "invalid_training_data"


class InvalidGatesError(TrainingError):
    """A file of gates is wrong; says which lines and why."""

    code = "invalid_gates"
