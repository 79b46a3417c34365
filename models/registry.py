"""The only module that knows MLflow: logs, registers, aliases and loads models."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from models import folder
from models.bundle import TriageModel
from models.errors import BrokenModelError, ModelNotFoundError, RegistryUnavailableError
from models.prediction import LEVELS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

SCHEME = "models:/"
ARTIFACT = "model"
IMPATIENT = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""MLflow's own settings, unless set: by default it waits minutes for a server that is gone."""

PACKAGE = Path(__file__).parent
EXAMPLE_TEXTS = ("Во дворе третий день не убирают снег", "Ауладағы қар үш күннен бері тазаланбады")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model and the name and version it was loaded as."""

    model: TriageModel
    name: str
    version: str


class ModelRegistry:
    """An MLflow tracking store and model registry.

    Parameters
    ----------
    tracking_uri
        MLflow's address: a database URL or a server's.
    artifact_folder
        Where a local store keeps its files; a server keeps them where it was told to.
    """

    def __init__(self, tracking_uri: str, artifact_folder: Path) -> None:
        self.tracking_uri = tracking_uri
        self._artifact_folder = artifact_folder

    def log(self, model_folder: Path, *, experiment: str, tags: dict[str, str], name: str) -> str:
        """Log a fitted model as a run, with parameters and metrics, and register it.

        Returns
        -------
        version
            The registered version.

        Raises
        ------
        RegistryUnavailableError
            MLflow did not take it.
        """
        mlflow = self._mlflow()
        info = folder.load(model_folder).info
        try:
            with mlflow.start_run(experiment_id=self._experiment(experiment), tags=tags):
                mlflow.log_params(info.parameters)
                mlflow.log_metrics(info.metrics)
                mlflow.set_tag("data_hash", info.data_hash)
                logged = mlflow.pyfunc.log_model(
                    name=ARTIFACT,
                    loader_module="models.pyfunc",
                    data_path=str(model_folder),
                    code_paths=[str(PACKAGE)],
                    signature=_signature(),
                    input_example=_example(),
                    registered_model_name=name,
                    pip_requirements=[],
                    metadata={"data_hash": info.data_hash, "taxonomy": info.taxonomy_version},
                )
        except (mlflow.MlflowException, SQLAlchemyError) as error:
            raise RegistryUnavailableError(f"{self.tracking_uri}: {error}") from error
        return str(logged.registered_model_version)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias at a version.

        Raises
        ------
        ModelNotFoundError
            No such model or version.
        RegistryUnavailableError
            MLflow could not be reached.
        """
        with self._told_errors(f"{SCHEME}{name}/{version}"):
            self._client().set_registered_model_alias(name, alias, version)

    def has(self, name: str, alias: str) -> bool:
        """Tell whether an alias points at a version."""
        try:
            self.resolve(f"{SCHEME}{name}@{alias}")
        except ModelNotFoundError:
            return False
        return True

    def resolve(self, reference: str) -> tuple[str, str]:
        """Turn ``models:/name@alias`` or ``models:/name/version`` into name and version.

        Raises
        ------
        ModelNotFoundError
            No such model, alias or version.
        RegistryUnavailableError
            MLflow could not be reached.
        """
        name, separator, alias = reference.removeprefix(SCHEME).partition("@")
        with self._told_errors(reference):
            if separator:
                return name, str(self._client().get_model_version_by_alias(name, alias).version)
            name, _, version = name.partition("/")
            return name, str(self._client().get_model_version(name, version).version)

    def load(self, reference: str) -> LoadedModel:
        """Load a registered model, or a model folder.

        Raises
        ------
        ModelNotFoundError, BrokenModelError, RegistryUnavailableError
        """
        if not reference.startswith(SCHEME):
            path = Path(reference)
            return LoadedModel(folder.load(path), path.resolve().name, "folder")
        name, version = self.resolve(reference)
        with tempfile.TemporaryDirectory() as scratch:
            downloaded = self._download(f"{SCHEME}{name}/{version}", scratch)
            return LoadedModel(folder.load(_model_folder(downloaded, reference)), name, version)

    def _download(self, reference: str, destination: str) -> Path:
        mlflow = self._mlflow()
        try:
            path: str = mlflow.artifacts.download_artifacts(reference, dst_path=destination)
        except (mlflow.MlflowException, OSError) as error:
            raise RegistryUnavailableError(
                f"{reference}: its files are not to be had: {error}"
            ) from error
        return Path(path)

    @contextmanager
    def _told_errors(self, reference: str) -> Iterator[None]:
        """Turn what MLflow raises, or the database under it, into our errors."""
        from mlflow import MlflowException

        try:
            yield
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise ModelNotFoundError(f"{reference}: {error.message}") from error
            raise RegistryUnavailableError(f"{self.tracking_uri}: {error.message}") from error
        except SQLAlchemyError as error:
            raise RegistryUnavailableError(f"{self.tracking_uri}: {error}") from error

    def _experiment(self, name: str) -> str:
        client = self._client()
        experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        local = not self.tracking_uri.startswith(("http:", "https:", "databricks"))
        location = self._artifact_folder.resolve().as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=location))

    def _mlflow(self) -> ModuleType:
        """Import MLflow, which is slow, and point it at our store: it knows only one at a time."""
        _set_patience()
        import mlflow

        mlflow.set_tracking_uri(self.tracking_uri)
        return mlflow

    def _client(self) -> MlflowClient:
        _set_patience()
        from mlflow import MlflowClient

        # That a local store is made on first use is no news to somebody who classifies a text.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)


def _set_patience() -> None:
    for name, value in IMPATIENT.items():
        os.environ.setdefault(name, value)


def _model_folder(downloaded: Path, reference: str) -> Path:
    """Find our folder inside MLflow's: it lies under the folder that MLmodel calls data."""
    manifests = downloaded.rglob(folder.MANIFEST)
    found = [path.parent for path in manifests if folder.is_model(path.parent)]
    if len(found) != 1:
        raise BrokenModelError(f"{reference}: {len(found)} model folders inside, expected 1")
    return found[0]


def _signature() -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array, Object, Property

    text = DataType.string
    candidate = [Property("code", text), Property("probability", DataType.double)]
    listed = Property("candidates", Array(Object(candidate)))
    level = Object([*candidate, listed])
    levels = [ColSpec(level, name, required=False) for name in LEVELS]
    return ModelSignature(
        inputs=Schema([ColSpec(text, "text"), ColSpec(text, "language", required=False)]),
        outputs=Schema([ColSpec(text, "language"), *levels]),
    )


def _example() -> Any:
    import pandas as pd

    return pd.DataFrame({"text": EXAMPLE_TEXTS})
