"""The only module that knows MLflow: logs, registers, aliases and loads models."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
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
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

SCHEME = "models:/"
ARTIFACT = "model"
FOLDER = "folder"
"""Version of a model that was loaded from a folder, not from a registry."""

MLFLOW_SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}
"""MLflow's own settings, unless set: by default it waits minutes for a server that is gone, and
keeps connections, of which one to a file that was away may never find its tables again."""

MAX_METRICS = 1000
"""Metrics that MLflow takes at once."""

PACKAGE = Path(__file__).parent
EXAMPLE_TEXTS = ("Во дворе третий день не убирают снег", "Ауладағы қар үш күннен бері тазаланбады")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model and the name and version it was loaded as."""

    model: TriageModel
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A version of a registered model, and what is written on it.

    Attributes
    ----------
    run_id
        The run that logged it; empty where MLflow knows of none.
    metrics
        Of that run: how the model did when it was fitted.
    aliases
        Names that point at this version, in order.
    """

    name: str
    version: str
    created_at: datetime
    run_id: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    aliases: tuple[str, ...]


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
        info = folder.load(model_folder, self_test=True).info
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

    def log_run(
        self,
        *,
        experiment: str,
        name: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        artifacts: Path | None = None,
        parent: str | None = None,
    ) -> str:
        """Log a run that makes no model: a comparison, a trial, a check.

        Parameters
        ----------
        artifacts
            Folder whose files are kept with the run.
        parent
            Id of the run that this one is a part of.

        Returns
        -------
        run_id

        Raises
        ------
        RegistryUnavailableError
            MLflow did not take it.
        """
        from mlflow import MlflowException
        from mlflow.entities import Metric, Param
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        nested = {} if parent is None else {MLFLOW_PARENT_RUN_ID: parent}
        now = int(datetime.now(UTC).timestamp() * 1000)
        try:
            # The client keeps no "active run", of which a process has only one.
            client = self._client()
            run_id: str = client.create_run(
                self._experiment(experiment), tags={**tags, **nested}, run_name=name
            ).info.run_id
            values = [Metric(key, value, now, 0) for key, value in metrics.items()]
            for start in range(0, len(values), MAX_METRICS):
                client.log_batch(run_id, metrics=values[start : start + MAX_METRICS])
            client.log_batch(run_id, params=[Param(k, str(v)) for k, v in parameters.items()])
            if artifacts is not None:
                client.log_artifacts(run_id, str(artifacts))
            client.set_terminated(run_id)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            raise RegistryUnavailableError(f"{self.tracking_uri}: {error}") from error
        return run_id

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

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away; one that is not there is no error.

        Raises
        ------
        ModelNotFoundError
            No such model.
        RegistryUnavailableError
            MLflow could not be reached.
        """
        with self._told_errors(f"{SCHEME}{name}@{alias}"):
            self._client().delete_registered_model_alias(name, alias)

    def set_tags(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Write tags on a version; a tag that it has already is overwritten.

        Raises
        ------
        ModelNotFoundError
            No such model or version.
        RegistryUnavailableError
            MLflow could not be reached.
        """
        with self._told_errors(f"{SCHEME}{name}/{version}"):
            for key, value in tags.items():
                self._client().set_model_version_tag(name, version, key, value)

    def find_version(self, name: str, version: str) -> RegisteredModel:
        """Return what is known of one version.

        Raises
        ------
        ModelNotFoundError
            No such model or version.
        RegistryUnavailableError
            MLflow could not be reached.
        """
        with self._told_errors(f"{SCHEME}{name}/{version}"):
            return self._registered(self._client().get_model_version(name, version))

    def list_versions(self, name: str) -> list[RegisteredModel]:
        """Return every version of a model, the newest first; none where there is no such model.

        Raises
        ------
        RegistryUnavailableError
            MLflow could not be reached.
        """
        with self._told_errors(f"{SCHEME}{name}"):
            found = self._client().search_model_versions(f"name = '{name}'")
            # A search does not tell aliases.
            versions = [self.find_version(name, str(one.version)) for one in found]
        return sorted(versions, key=lambda one: int(one.version), reverse=True)

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

    def load(self, reference: str, *, self_test: bool = False) -> LoadedModel:
        """Load a registered model, or a model folder.

        Parameters
        ----------
        self_test
            As of `models.folder.load`.

        Raises
        ------
        ModelNotFoundError, BrokenModelError, RegistryUnavailableError
        """
        if not reference.startswith(SCHEME):
            path = Path(reference)
            loaded = folder.load(path, self_test=self_test)
            return LoadedModel(loaded, path.resolve().name, FOLDER)
        name, version = self.resolve(reference)
        with tempfile.TemporaryDirectory() as scratch:
            downloaded = self._download(f"{SCHEME}{name}/{version}", scratch)
            found = _model_folder(downloaded, reference)
            return LoadedModel(folder.load(found, self_test=self_test), name, version)

    def _registered(self, found: ModelVersion) -> RegisteredModel:
        metrics = self._client().get_run(found.run_id).data.metrics if found.run_id else {}
        return RegisteredModel(
            name=found.name,
            version=str(found.version),
            created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
            run_id=found.run_id or "",
            metrics=dict(metrics),
            tags=dict(found.tags),
            aliases=tuple(sorted(found.aliases)),
        )

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
        _set_defaults()
        import mlflow

        mlflow.set_tracking_uri(self.tracking_uri)
        return mlflow

    def _client(self) -> MlflowClient:
        _set_defaults()
        from mlflow import MlflowClient

        # That a local store is made on first use is no news to somebody who classifies a text.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)


def _set_defaults() -> None:
    for name, value in MLFLOW_SETTINGS.items():
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
