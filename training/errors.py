"""Errors that a data scientist can cause; `code` is stable, the message is for people."""


class TrainingError(Exception):
    """Base of the errors of this package."""

    code = "training_error"


class InvalidTrainingDataError(TrainingError):
    """A training file that can't be used; says which file, which line and why."""

    code = "invalid_training_data"


class InvalidSettingsError(TrainingError):
    """A file of settings is wrong; says what in it and why."""

    code = "invalid_settings"


class OtherStudyError(TrainingError):
    """A study was made from other data, or searched something else; says what differs."""

    code = "other_study"


class InvalidGatesError(TrainingError):
    """A file of gates is wrong; says which lines and why."""

    code = "invalid_gates"


class SparkUnavailableError(TrainingError):
    """Spark can't be started here; says what to install."""

    code = "spark_unavailable"


class SparkFailedError(TrainingError):
    """Spark gave up on a job; what was written before stays."""

    code = "spark_failed"


class OtherScoringError(TrainingError):
    """A folder holds answers of another model or to other appeals; says what differs."""

    code = "other_scoring"
