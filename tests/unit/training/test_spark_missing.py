from __future__ import annotations

from importlib import util

import pytest

from training.errors import SparkUnavailableError
from training.spark import check_spark


def test_check_spark_without_pyspark_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.spark.find_spec", lambda _: util.find_spec("no_such_package"))

    with pytest.raises(SparkUnavailableError, match=r"appeal-triage\[spark\]"):
        check_spark()
