"""A number that can be a name."""

from __future__ import annotations

from dataclasses import dataclass

MAX_VALUE = 999
"""Nothing is numbered beyond it; longer ones are years, sums and telephone numbers."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number and its place among the tokens.

    Attributes
    ----------
    first, last
        Its first and last token.
    letter, part
        Of ``15А`` and ``15/2``.
    ending
        The key of its Kazakh ending or Russian ordinal's, as in ``4-шіде``, ``9-й``.
    ordinal, spoken, marked, ranged
        Whether it is an ordinal, in words, has ``№`` before it, is the first of ``44-52``.
    measured
        Whether a measure before it makes it a rough one (минут 20) or a flat's, a floor's.
    counted
        Whether it counts what follows (10 минут).
    """

    value: int
    first: int
    last: int
    letter: str = ""
    part: str = ""
    ending: str = ""
    ordinal: bool = False
    spoken: bool = False
    marked: bool = False
    ranged: bool = False
    measured: bool = False
    counted: bool = False

    @property
    def is_measure(self) -> bool:
        """Whether it measures or counts something."""
        return self.measured or self.counted

    @property
    def in_case(self) -> bool:
        """Whether it is no ordinal and in a Kazakh case (58де)."""
        return bool(self.ending) and not self.ordinal
