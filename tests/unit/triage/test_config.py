from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from triage.config import STARTER_DATA, Settings
from triage.policy import Policy


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TRIAGE_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_settings_by_default_need_nothing_but_the_folder(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.store_url == f"sqlite:///{tmp_path}/var/triage.db"
    assert settings.tracking_uri == f"sqlite:///{tmp_path}/var/mlflow.db"
    assert settings.artifact_folder == tmp_path / "var" / "mlartifacts"
    assert settings.model == "models:/appeal-triage@champion"
    assert settings.data_dir == STARTER_DATA
    assert (settings.host, settings.port) == ("127.0.0.1", 8109)
    assert settings.policy == Policy()


def test_settings_variables_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRIAGE_CITY", "almaty")
    monkeypatch.setenv("TRIAGE_PORT", "9000")
    monkeypatch.setenv("TRIAGE_TARGET_PRECISION", "0.97")
    monkeypatch.setenv("TRIAGE_URGENT_HOURS", "3")
    monkeypatch.setenv("TRIAGE_SECONDARY_PROBABILITY", "0.3")
    monkeypatch.setenv("TRIAGE_NO_SUCH_THING", "is passed over")
    settings = Settings()
    assert (settings.city, settings.port) == ("almaty", 9000)
    assert settings.store_url.startswith(f"sqlite:///{tmp_path}/home/")
    assert settings.policy == Policy(
        target_precision=0.97, urgent_hours=3, secondary_probability=0.3
    )


def test_settings_database_and_mlflow_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", "postgresql://host/triage")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    settings = Settings()
    assert settings.store_url == "postgresql://host/triage"
    assert settings.tracking_uri == "http://mlflow:5000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("TARGET_PRECISION", "95"),
        ("TARGET_PRECISION", "1"),
        ("CONFIDENCE", "0"),
        ("URGENT_PROBABILITY", "-0.1"),
        ("SECONDARY_PROBABILITY", "0"),
        ("URGENT_HOURS", "0"),
    ],
)
def test_settings_impossible_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TRIAGE_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
