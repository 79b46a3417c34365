"""Errors of the models package: each has a stable `code` and says what and where."""


class ModelError(Exception):
    """Base of what can go wrong with a model; `code` is stable, the message is for people."""

    code = "model_error"


class BrokenModelError(ModelError):
    """A model folder is incomplete, altered or written by an unknown format."""

    code = "broken_model"


class ModelNotFoundError(ModelError):
    """No model at this folder or registry reference."""

    code = "model_not_found"


class RegistryUnavailableError(ModelError):
    """The MLflow registry could not be reached."""

    code = "registry_unavailable"


class EncoderUnavailableError(ModelError):
    """An encoder's folder, name or library is not there."""

    code = "encoder_unavailable"
