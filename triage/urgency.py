"""Danger words: what demands urgency whatever the model says.

A file of patterns (`triage.wordpatterns`), one a line, fields separated by tabs: language (``ru``
or ``kk``), pattern, gloss. Lines that begin with ``#`` are comments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from triage.errors import InvalidCityFileError
from triage.wordpatterns import WordPatterns, pattern_problem

LANGUAGES = ("ru", "kk")

FIELDS = 3
"""Language, pattern, gloss."""


@dataclass(frozen=True, slots=True)
class DangerWords:
    """Patterns of danger.

    Attributes
    ----------
    version
        SHA-256 of the file, its first 12 hexadecimal digits.
    """

    version: str
    patterns: WordPatterns

    @classmethod
    def load(cls, path: Path) -> DangerWords:
        """Read and compile a file of patterns.

        Raises
        ------
        InvalidCityFileError
            A line that is no pattern; all of them are told, with their numbers.
        """
        content = path.read_bytes()
        lines = list(_lines(content.decode("utf-8")))
        problems = [
            f"{path.name}:{number}: {problem}"
            for number, line in lines
            if (problem := _problem(line))
        ]
        if problems:
            raise InvalidCityFileError(problems)
        patterns = WordPatterns.of(line.split("\t")[1] for _, line in lines)
        return cls(hashlib.sha256(content).hexdigest()[:12], patterns)

    def find(self, text: str) -> tuple[str, ...]:
        """Return the stretches of the text that tell danger, as written, in their order."""
        return self.patterns.find(text)


def _lines(content: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _problem(line: str) -> str | None:
    """Say what is wrong with a line, None where nothing is."""
    fields = line.split("\t")
    if len(fields) != FIELDS or not all(field.strip() for field in fields):
        return "needs language, pattern and gloss, separated by tabs"
    if fields[0] not in LANGUAGES:
        return f"unknown language {fields[0]!r}: one of {', '.join(LANGUAGES)}"
    return pattern_problem(fields[1])
