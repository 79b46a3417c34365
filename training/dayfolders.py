"""A folder of answers by day, on whatever file system Spark knows; a day is there whole or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.errors import OtherScoringError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CLAIM = "_scoring.json"
"""Says what the folder's answers are of. Readers of Parquet pass over names with an underscore."""

FINISHED = "_SUCCESS"
"""Lies in the folder of a day that is in place, and says how many rows it has.

A rename is one step on HDFS and on disks; on an object store it is many, and this comes last.
"""

SCRATCH = "_scratch"


class DayFolders:
    """Folders ``day=...`` under one path, through Hadoop's file systems."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        hadoop = spark._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]  # the only way to them
        self._path = hadoop.Path
        self._root = hadoop.Path(path)
        self._files = self._root.getFileSystem(spark._jsc.hadoopConfiguration())
        self.scratch = str(hadoop.Path(self._root, SCRATCH).toString())

    def claim(self, description: Mapping[str, Any]) -> None:
        """Say what the folder's answers are of.

        Raises
        ------
        OtherScoringError
            It holds answers of something else, or files of nobody knows what.
        """
        if not self._files.exists(self._at(CLAIM)):
            if self._files.exists(self._root) and self._files.listStatus(self._root):
                raise OtherScoringError(
                    f"{self._root.toString()}: not empty, and no answers by day"
                )
            self._write(CLAIM, description)
            return
        found = self._read(CLAIM)
        differing = [name for name in description if found.get(name) != description[name]]
        if differing:
            told = "; ".join(f"{name}: {found.get(name)!r}" for name in differing)
            raise OtherScoringError(f"{self._root.toString()}: holds answers of another ({told})")

    def finished(self, counts: Mapping[str, int]) -> list[str]:
        """Return the days that are in place, of those that have appeals.

        Raises
        ------
        OtherScoringError
            One of them had another number of appeals when it was scored.
        """
        days = [day for day in sorted(counts) if self._files.exists(self._at(_of(day), FINISHED))]
        for day in days:
            found = self._read(f"{_of(day)}/{FINISHED}")["rows"]
            if found != counts[day]:
                raise OtherScoringError(
                    f"{self._at(_of(day)).toString()}: {found} appeals, there are {counts[day]}"
                    " now: remove it to have them scored again"
                )
        return days

    def put(self, day: str, count: int) -> None:
        """Move a day's answers from the scratch folder into place."""
        target = self._at(_of(day))
        self._files.delete(target, True)  # what was cut off on an object store
        self._files.rename(self._at(SCRATCH, _of(day)), target)
        self._write(f"{_of(day)}/{FINISHED}", {"rows": count})

    def clear_scratch(self) -> None:
        """Remove what is no answer."""
        self._files.delete(self._at(SCRATCH), True)

    def _at(self, *names: str) -> Any:
        return self._path(self._root, "/".join(names))

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        stream = self._files.create(self._at(name), True)
        stream.write(bytearray(json.dumps(value, ensure_ascii=False, indent=1).encode()))
        stream.close()

    def _read(self, name: str) -> dict[str, Any]:
        stream = self._files.open(self._at(name))
        found: dict[str, Any] = json.loads(bytes(stream.readAllBytes()).decode())
        stream.close()
        return found


def _of(day: str) -> str:
    return f"day={day}"
