"""The matcher of regular expressions, which computes sets of places in the text instead of backtracking.

A set of places is an integer; bit `i` is the place before character `i`. Each piece of a pattern is a function from
the places where the piece can end to the places where it can then begin:

    a        keep the places behind an `a`, and move them before it
    xy       first y, then x
    x|y      the union of both
    x*       repeat until there is no new place
    (?!x)    keep the places where x cannot begin

A pattern is found if it can begin anywhere when it can end anywhere. Every step is counted, and a search that takes
more than `STEPS` steps raises TooCostly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

STEPS: Final = 20_000
"""Steps that one search may take, about 10 ms."""


class TooCostly(Exception):
    """A search took more than its limit of steps."""


class Text:
    """A text that is searched.

    Attributes:
        steps: Steps that were counted so far.
        end: The set of one place, behind the last character.
        anywhere: The set of all places.
    """

    def __init__(self, text: str) -> None:
        self.steps: int = 2 + len(text) // 4  # The constructor takes about as long as this number of steps.
        self.end: int = 1 << len(text)
        self.anywhere: int = 2 * self.end - 1
        self._places: dict[str, int] = {}
        self._kinds: dict[Test, int] = {}
        self._beginnings: dict[Piece, int] = {}
        for place, char in enumerate(text):
            self._places[char] = self._places.get(char, 0) | 1 << place

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises:
            TooCostly: There are more than `STEPS`.
        """
        self.steps += steps
        if self.steps > STEPS:
            raise TooCostly

    def before(self, kind: Test) -> int:
        """Return the places before the characters for which `kind` returns True."""
        places = self._kinds.get(kind)
        if places is None:
            places = self._kinds[kind] = sum(at for char, at in self._places.items() if kind(char))
        return places

    def beginnings(self, piece: Piece) -> int:
        """Return the places where a match of `piece` can begin, as a bit set. The match can end anywhere."""
        places = self._beginnings.get(piece)
        if places is None:
            places = self._beginnings[piece] = piece(self, self.anywhere)
        return places


Test = Callable[[str], bool]
"""Returns whether a character is of a kind."""

Piece = Callable[[Text, int], int]
"""A piece of a pattern: returns the places where it can begin, given the places where it can end."""


def character(test: Test) -> Piece:
    """Return a piece that matches one character for which `test` returns True."""
    return lambda text, places: places >> 1 & text.before(test)


def sequence(pieces: Sequence[Piece]) -> Piece:
    """Return a piece that matches all of `pieces`, one after the other."""
    backward = pieces[::-1]

    def match(text: Text, places: int) -> int:
        text.spend(1 + len(backward))
        for piece in backward:
            places = piece(text, places)
            if not places:
                break
        return places

    return match


def union(pieces: Iterable[Piece]) -> Piece:
    """Return a piece that matches any of `pieces`."""
    alternatives = tuple(pieces)

    def match(text: Text, places: int) -> int:
        found = 0
        for piece in alternatives:
            found |= piece(text, places)
        return found

    return match


def repeat(piece: Piece, low: int, high: int | None) -> Piece:
    """Return a piece that matches `piece` from `low` to `high` times; None means any number of times."""
    repeated = sequence([piece])  # `match` counts its steps.

    def match(text: Text, places: int) -> int:
        for _ in range(low):
            before, places = places, repeated(text, places)
            if places == before:
                break
        found = new = places
        remaining = -1 if high is None else high - low
        while remaining and new:
            new = repeated(text, new) & ~found
            found |= new
            remaining -= 1
        return found

    return match


def look_ahead(piece: Piece, *, wanted: bool) -> Piece:
    """Return a look-ahead: it matches at places where `piece` can begin, or if not `wanted`, at all others."""

    def match(text: Text, places: int) -> int:
        seen = text.beginnings(piece)
        return places & (seen if wanted else ~seen)

    return match


def at_start(text: Text, places: int) -> int:
    """Return the place at the start of the text if it is among `places`, otherwise no place."""
    return places & 1


def at_end(text: Text, places: int) -> int:
    """Return those of `places` that are at the end of the text, or before a newline that ends the text."""
    return places & (text.end | text.before(is_newline) & text.end >> 1)


def at_boundary(text: Text, places: int) -> int:
    """Return those of `places` that are at the boundary of a word."""
    return places & _boundaries(text)


def inside(text: Text, places: int) -> int:
    """Return those of `places` that are not at the boundary of a word."""
    return places & ~_boundaries(text)


def _boundaries(text: Text) -> int:
    words = text.before(is_word)
    return words ^ words << 1


def is_word(char: str) -> bool:
    """Return whether a character is a letter, a digit or an underscore."""
    return char.isalnum() or char == "_"


def is_newline(char: str) -> bool:
    """Return whether a character is a newline."""
    return char == "\n"
