"""Settings, read from `TRIAGE_*` variables once and passed in from there; never a global."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from triage.errors import InvalidSettingsError
from triage.policy import Policy
from triage.sampling import BASE_SHARE

STARTER_DATA = Path(__file__).parent / "data"
MODEL_NAME = "appeal-triage"
CHAMPION = "champion"
CHALLENGER = "challenger"
PREFIX = "TRIAGE_"


class Settings(BaseSettings):
    """What an operator may set; each field is the variable `TRIAGE_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    home: Path = Field(Path("var"), description="Folder of databases and fitted models")
    city: str = Field("astana", description="The city that this service works for")
    data_dir: Path = Field(STARTER_DATA, description="The city's taxonomy, enterprises, places")
    database_url: str = Field("", description="Where decisions are kept; empty: SQLite under home")
    model: str = Field(
        f"models:/{MODEL_NAME}@{CHAMPION}", description="Model folder or MLflow reference"
    )
    secret: SecretStr = Field(
        SecretStr(""),
        description="Keys cookies and senders' pseudonyms; empty: a random one under home",
    )
    poll_seconds: float = Field(
        10.0, gt=0, description="How often to look whether another model was promoted"
    )
    shadow_share: float = Field(
        0.2, ge=0, le=1, description="Share of decisions that a challenger is asked about as well"
    )
    audit_share: float = Field(
        BASE_SHARE,
        gt=0,
        le=1,
        description="Share of what goes unseen that is drawn to be checked; of rare strata more",
    )
    health_minutes: float = Field(
        15.0, gt=0, description="How often the service measures its own health"
    )
    host: str = Field("127.0.0.1", description="Address to serve on")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+)?$",
        description="Address that people know this service by, where a proxy stands before it",
    )
    anonymous_role: Literal["intake", "none"] = Field(
        "intake",
        description="What requests without credentials may do; beyond loopback always none",
    )
    session_hours: float = Field(
        12.0, gt=0, le=720, description="How long somebody who signed in stays so"
    )
    oidc_issuer: str = Field("", description="OpenID Connect provider; empty: passwords and links")
    oidc_client_id: str = Field("", description="What that provider knows this service as")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="The secret shared with it")
    oidc_role_claim: str = Field(
        "", description="Claim that holds a person's role; empty: roles are given here"
    )
    port: int = Field(8109, ge=0, le=65_535, description="Port to serve on")
    workers: int = Field(
        1, ge=1, le=64, description="Processes that serve, each with the model in its memory"
    )
    otlp_endpoint: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+(/[^\s]*)?)?$",
        description="OpenTelemetry collector that takes traces over HTTP; empty: no traces",
    )
    max_concurrent: int = Field(
        256,
        gt=0,
        description="Requests that a process works on at once; more are told to come again (503)",
    )
    client_seconds: float = Field(
        15.0,
        gt=0,
        description="How long a client may take to send a request's head, and again its body, and"
        " to read its answer",
    )
    target_precision: float = Field(
        Policy.target_precision, gt=0, lt=1, description="Contract: precision of what goes unseen"
    )
    confidence: float = Field(
        Policy.confidence, gt=0, lt=1, description="Contract: how sure that promise is"
    )
    shortlist_coverage: float = Field(
        Policy.shortlist_coverage,
        gt=0,
        lt=1,
        description="How often a shortlist must hold the right category, or topic",
    )
    urgent_probability: float = Field(
        Policy.urgent_probability,
        ge=0,
        le=1,
        description="From this probability on an appeal is urgent",
    )
    secondary_probability: float = Field(
        Policy.secondary_probability,
        gt=0,
        le=1,
        description="From this probability on a second topic is offered",
    )
    urgent_hours: int = Field(
        Policy.urgent_hours, gt=0, description="An urgent appeal is due within these hours"
    )

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

    @property
    def policy(self) -> Policy:
        """The part of the settings that decisions depend on."""
        return Policy(
            target_precision=self.target_precision,
            confidence=self.confidence,
            shortlist_coverage=self.shortlist_coverage,
            urgent_probability=self.urgent_probability,
            secondary_probability=self.secondary_probability,
            urgent_hours=self.urgent_hours,
        )


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    InvalidSettingsError
        Names every variable that is wrong, without its value, which may be a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{PREFIX}{one['loc'][0]}".upper() + f": {one['msg']}" for one in error.errors()]
        raise InvalidSettingsError("; ".join(wrong)) from error
