"""A registered model as a function of Spark's columns, by MLflow's own means."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from models.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession


def spark_function(
    tracking_uri: str, spark: SparkSession, reference: str, result_type: str
) -> Callable[[Column], Column]:
    """Return a function that scores a column of ``text`` and ``language``.

    Parameters
    ----------
    tracking_uri
        MLflow's address.
    reference
        ``models:/name/version``.
    result_type
        The model's columns that are wanted, as a Spark type.

    Raises
    ------
    RegistryUnavailableError
        MLflow did not give the model out.
    """
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)
    # It warns that Spark's machines have the packages that are installed there: they should.
    logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)
    try:
        function: Callable[[Column], Column] = mlflow.pyfunc.spark_udf(
            spark, reference, result_type=result_type, env_manager="local"
        )
    except (mlflow.MlflowException, OSError) as error:
        message = f"{reference}: its files are not to be had: {error}"
        raise RegistryUnavailableError(message) from error
    return function
