"""Settings, read from `TRIAGE_*` variables once and passed in from there; never a global."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

STARTER_DATA = Path(__file__).parent / "data"
MODEL_NAME = "appeal-triage"
CHAMPION = "champion"


class Settings(BaseSettings):
    """What an operator may set; each field is the variable `TRIAGE_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="TRIAGE_", extra="ignore")

    home: Path = Field(Path("var"), description="Folder of databases and fitted models")
    city: str = Field("astana", description="The city that this service works for")
    data_dir: Path = Field(STARTER_DATA, description="The city's taxonomy, enterprises, places")
    database_url: str = Field("", description="Decisions; by default SQLite under home")
    model: str = Field(
        f"models:/{MODEL_NAME}@{CHAMPION}", description="Model folder or MLflow reference"
    )
    host: str = "127.0.0.1"
    port: int = 8109
    log_level: str = "INFO"

    @property
    def store_url(self) -> str:
        """URL of the decision store."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'triage.db'}"

    @property
    def tracking_uri(self) -> str:
        """MLflow's address: `MLFLOW_TRACKING_URI`, else a SQLite file under home."""
        return os.environ.get("MLFLOW_TRACKING_URI") or (
            f"sqlite:///{self.home.resolve() / 'mlflow.db'}"
        )

    @property
    def artifact_folder(self) -> Path:
        """Where MLflow keeps model files, unless a server keeps them elsewhere."""
        return self.home.resolve() / "mlartifacts"
