from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from models.bundle import DENSE_WEIGHT
from models.classifier import SVM_C
from models.sparse import MAX_FEATURES
from training.errors import InvalidSettingsError
from training.settings import DEFAULTS, FitSettings, read_settings


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_defaults_are_the_constants_of_the_models() -> None:
    assert asdict(DEFAULTS) == {
        "svm_c": SVM_C,
        "max_features": MAX_FEATURES,
        "dense_weight": DENSE_WEIGHT,
    }


def test_read_settings_missing_ones_are_default_and_other_keys_are_no_concern(tmp_path) -> None:
    path = written(tmp_path / "a.json", {"settings": {"svm_c": 0.3}, "difference": 0.01})
    assert read_settings(path) == FitSettings(svm_c=0.3)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "no 'settings'"),
        ({"svm_c": 1}, "no 'settings'"),
        ({"settings": {"c": 1}}, "unknown 'c'; known: svm_c, max_features, dense_weight"),
        ({"settings": {"svm_c": 0}}, "svm_c: not a positive number: 0"),
        ({"settings": {"svm_c": True}}, "svm_c: not a positive number: True"),
        ({"settings": {"dense_weight": "0.5"}}, "dense_weight: not a positive number: '0.5'"),
        ({"settings": {"dense_weight": float("nan")}}, "dense_weight: not a positive number: nan"),
        ({"settings": {"max_features": 10.5}}, "max_features: not a positive whole number: 10.5"),
    ],
)
def test_read_settings_wrong_file_says_what_is_wrong(tmp_path, content, told) -> None:
    path = written(tmp_path / "a.json", content)
    with pytest.raises(InvalidSettingsError, match=told) as raised:
        read_settings(path)
    assert str(raised.value).startswith(str(path))


def test_read_settings_no_json_is_told(tmp_path) -> None:
    path = tmp_path / "a.json"
    path.write_text("svm_c: 1", encoding="utf-8")
    with pytest.raises(InvalidSettingsError, match="not JSON"):
        read_settings(path)
