"""Puts a city's files in place in one step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from triage.citydata.check import APPEALS, check_city
from triage.citydata.problems import Problem
from triage.citydata.tables import TABLES, City, load_city, settled, siblings
from triage.config import STARTER_DATA
from triage.errors import InvalidCityFileError

CITY_FILES = (*TABLES, *APPEALS, "routing.yaml", "README.md")


def install_city(source: Path, destination: Path) -> City:
    """Put a checked copy of a city's files in place, the former ones in `<destination>.previous`.

    Either the old files or the new ones are in place, whenever it is cut off; `load_city` and
    the next install know how to finish.

    Raises
    ------
    InvalidCityFileError
        With every problem of the files, or with why the destination is refused.
    OSError
        Where the disk refuses. The destination is as it was after either.
    """
    source, destination = source.resolve(), destination.resolve()
    _refuse(source, destination)
    if problems := check_city(source):
        raise InvalidCityFileError([str(problem) for problem in problems])
    _recover(destination)
    return _replace(source, destination)


def _replace(source: Path, destination: Path) -> City:
    incoming, previous = siblings(destination)
    replaces = destination.exists()
    if incoming.exists():
        shutil.rmtree(incoming)
    try:
        _copy(source, incoming)
        city = load_city(incoming)  # the source may have changed since its check
        if replaces:
            if previous.exists():
                shutil.rmtree(previous)
            destination.rename(previous)
        incoming.rename(destination)
    except BaseException:
        if replaces:
            _recover(destination)
        shutil.rmtree(incoming, ignore_errors=True)
        raise
    return city


def _recover(destination: Path) -> None:
    """Undo an install that was cut off between its two renames."""
    files = settled(destination)
    if files != destination:
        files.rename(destination)


def _refuse(source: Path, destination: Path) -> None:
    why = None
    if _overlap(destination, STARTER_DATA.resolve()):
        why = "the starter data belongs to the program: install elsewhere, set TRIAGE_DATA_DIR"
    elif _overlap(destination, source):
        why = "source and destination are the same or lie in one another"
    elif destination.exists() and not destination.is_dir():
        why = "is not a folder"
    elif destination.is_dir() and any(destination.iterdir()):
        # A mistyped path must not move somebody's home away.
        why = (
            None if (destination / "taxonomy.csv").exists() else "holds something else than a city"
        )
    if why:
        raise InvalidCityFileError([str(Problem(str(destination), None, why))])


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for name in CITY_FILES:
        if (source / name).is_file():
            with (source / name).open("rb") as old, (target / name).open("wb") as new:
                shutil.copyfileobj(old, new)
                new.flush()
                os.fsync(new.fileno())  # else a power cut could leave the new name without content
