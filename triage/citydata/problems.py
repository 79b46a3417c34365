"""What is wrong in a city's files, gathered while reading goes on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from triage.appeal import Bilingual
from triage.errors import InvalidCityFileError

MAX_PROBLEMS = 100

_FLAGS = {"true": True, "false": False}
_FEW = 6
_SHOWN_CHARS = 64
"""Comparing or printing longer codes takes long and helps nobody."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a file; `line` counts physical lines from 1, None for the whole file."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


class TooManyProblemsError(Exception):
    """Enough was reported."""


class UnusableFileError(Exception):
    """Nothing more can be read from a file; why was reported."""


@dataclass(slots=True)
class Report:
    """Gathers problems, `MAX_PROBLEMS` at most and one that says that there are more."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, file: str, line: int | None, message: str) -> None:
        """Add a problem; TooManyProblemsError once there are enough."""
        if len(self.problems) == MAX_PROBLEMS:
            left_out = f"more problems were left out after the first {MAX_PROBLEMS}"
            self.problems.append(Problem(file, None, left_out))
            raise TooManyProblemsError
        self.problems.append(Problem(file, line, message))

    def stop(self, file: str, line: int | None, message: str) -> NoReturn:
        """Add a problem after which nothing more can be read from its file."""
        self.add(file, line, message)
        raise UnusableFileError

    def error(self) -> InvalidCityFileError:
        """Return the problems as one error."""
        return InvalidCityFileError([str(problem) for problem in self.problems])


@dataclass(frozen=True, slots=True)
class Row:
    """One row's cells; what is wrong with them goes to the report, and reading goes on.

    What is built from a wrong row is never used: a report with problems ends in an error.
    """

    report: Report
    file: str
    line: int
    cells: Mapping[str, str]

    def reject(self, message: str) -> None:
        """Report what is wrong in this row."""
        self.report.add(self.file, self.line, message)

    def get(self, column: str) -> str:
        """Return a cell, empty where an optional column is missing."""
        return self.cells.get(column, "")

    def needed(self, column: str) -> str:
        """Return a cell that must say something."""
        value = self.get(column)
        if not value.strip():
            self.reject(f"{column} holds only spaces" if value else f"{column} is empty")
        return value

    def name(self, ru: str, kk: str) -> Bilingual:
        """Return a name from its two columns, both needed."""
        return Bilingual(ru=self.needed(ru), kk=self.needed(kk))

    def unique(self, column: str, lines: dict[str, int]) -> str:
        """Return a needed cell that no earlier row has; `lines` remembers where each one was."""
        value = self.needed(column)
        first = lines.setdefault(value, self.line)
        if value.strip() and first != self.line:
            self.reject(f"duplicate {column} {shown(value)}, first in line {first}")
        return value

    def known(self, column: str, codes: Collection[str] | None) -> str:
        """Return an optional code; `codes` is None where the known ones could not be read."""
        value = self.get(column)
        if value:
            self.check_known(column, value, codes)
        return value

    def check_known(self, column: str, value: str, codes: Collection[str] | None) -> None:
        """Report a code that is not among the known ones; `codes` is as in `known`."""
        if codes is not None and value not in codes:
            self.reject(f"unknown {column} {shown(value)}{hint(value, codes)}")

    def flag(self, column: str, *, default: bool) -> bool:
        """Return an optional true or false."""
        value = self.get(column)
        if value and value.lower() not in _FLAGS:
            self.reject(f"{column} must be true or false, not {shown(value)}")
        return _FLAGS.get(value.lower(), default)


def shown(value: str) -> str:
    """Quote a value so that it can be printed anywhere: no control characters, not too long."""
    return repr(value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…")


def hint(value: str, codes: Collection[str]) -> str:
    """Return the end of a message on a wrong code: the nearest known one, or a few of them all."""
    by_folded = {code.casefold(): code for code in codes}
    nearest = get_close_matches(value[:_SHOWN_CHARS].casefold(), by_folded, n=1)
    if nearest:
        return f", did you mean {shown(by_folded[nearest[0]])}?"
    return f", known are {', '.join(map(shown, sorted(codes)))}" if len(codes) <= _FEW else ""
