r"""Regular expressions for filters, in a subset of Python's syntax, with a bound on the time of a search.

The subset:

    characters   literals, `.`, classes such as `[a-z_]` and `[^-]`, `\d`, `\w`, `\s` and `\D`, `\W`, `\S`;
                 `\n`, `\r`, `\t`, `\xhh`, `\uhhhh`; a backslash before punctuation
    anchors      `^` and `$` for the start and the end of the text, `\b` and `\B`
    groups       `(...)`, `(?:...)`, `(?=...)`, `(?!...)`, and `|` between alternatives
    repeats      `*`, `+`, `?`, `{m}`, `{m,}` and `{m,n}` up to 1000, also lazy (with a `?` behind them)
    flags        `(?i)` at the start

A pattern of the subset is found where Python's `re.search` finds it. Python's own matcher is not used, because it can
take exponential time, cannot be stopped, and blocks the event loop. With the extra `regex` installed, patterns that
RE2 accepts are left to RE2 (`rxpump.server.store.re2_search`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rxpump.server.store import regex_matcher as matcher
from rxpump.server.store.regex_matcher import Piece, Test, Text

MAX_PATTERN: Final = 1024
"""Largest number of characters of a pattern."""

MAX_TEXT: Final = 1024
"""Largest number of characters of a searched text. In a longer text nothing is found."""

_MAX_REPEAT: Final = 1000
_MAX_DEPTH: Final = 50
"""Largest depth of nested groups."""

_CACHED_RESULTS: Final = 64
"""Number of cached results. They repeat, because there are few types, and events of one stream are often adjacent."""


class BadPattern(ValueError):
    """The pattern is not one of the subset; the message is the reason."""


class Regex:
    """A pattern of the subset.

    Args:
        pattern: The pattern, at most `MAX_PATTERN` characters.

    Attributes:
        steps: Steps of all searches so far, about half a microsecond each.

    Raises:
        BadPattern: The pattern is too long, has a syntax error, or uses syntax outside the subset.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.steps: int = 0
        self._results: dict[str, bool] = {}
        if len(pattern) > MAX_PATTERN:
            raise BadPattern(f"a regex may have {MAX_PATTERN} characters, got {len(pattern)}")
        self._piece = _Parser(pattern).parse()

    def search(self, text: str) -> bool:
        """Return whether the pattern is found anywhere in `text`.

        Raises:
            TooCostly: The search takes more than `STEPS` steps.
        """
        if len(text) > MAX_TEXT:
            return False
        if text not in self._results:
            if len(self._results) == _CACHED_RESULTS:
                self._results.clear()
            self._results[text] = self._search(text)
        return self._results[text]

    def _search(self, text: str) -> bool:
        searched = Text(text)
        try:
            return self._piece(searched, searched.anywhere) != 0
        finally:
            self.steps += searched.steps

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return 512 * (1 + len(self.pattern))

    def __repr__(self) -> str:
        return f"<Regex {self.pattern!r}>"


def _is_space(char: str) -> bool:
    return char.isspace()


def _is_digit(char: str) -> bool:
    return char.isdecimal()


def _not(test: Test) -> Test:
    return lambda char: not test(char)


_CLASSES: Final[Mapping[str, Test]] = {
    "d": _is_digit,
    "D": _not(_is_digit),
    "s": _is_space,
    "S": _not(_is_space),
    "w": matcher.is_word,
    "W": _not(matcher.is_word),
}
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_CODES: Final = {"x": re.compile("[0-9A-Fa-f]{2}"), "u": re.compile("[0-9A-Fa-f]{4}")}
"""Digits of a character's code, by the letter of the escape."""

_ANCHORS: Final[Mapping[str, Piece]] = {
    "^": matcher.at_start,
    "$": matcher.at_end,
    "\\b": matcher.at_boundary,
    "\\B": matcher.inside,
}
_GROUPS: Final = ("(?:", "(?=", "(?!")
_REPEATS: Final[Mapping[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_COUNTED: Final = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")


class _Parser:
    """Parses one pattern by recursive descent, with a method for alternatives, sequences, repeats and atoms each."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self._ignores_case = self._skip("(?i)")

    def parse(self) -> Piece:
        piece = self._alternatives()
        if self._at < len(self._pattern):
            raise self._error("unbalanced parenthesis")
        return piece

    def _alternatives(self) -> Piece:
        pieces = [self._sequence()]
        while self._skip("|"):
            pieces.append(self._sequence())
        return matcher.union(pieces) if len(pieces) > 1 else pieces[0]

    def _sequence(self) -> Piece:
        pieces: list[Piece] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            pieces.append(self._repeated())
        return matcher.sequence(pieces)

    def _repeated(self) -> Piece:
        anchor = next((piece for text, piece in _ANCHORS.items() if self._skip(text)), None)
        if anchor is not None:
            if self._bounds() is not None:
                raise self._error("nothing to repeat")
            return anchor
        piece = self._atom()
        bounds = self._bounds()
        if bounds is None:
            return piece
        self._skip("?")  # A lazy repeat matches the same texts.
        if self._pattern.startswith("+", self._at):
            raise self._error("possessive repeats are not supported")
        if self._bounds() is not None:
            raise self._error("multiple repeat")
        return matcher.repeat(piece, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        """Parse a repeat, and return its lowest and highest count; None if there is no repeat."""
        for text, bounds in _REPEATS.items():
            if self._skip(text):
                return bounds
        counted = _COUNTED.match(self._pattern, self._at)
        if counted is None:
            if self._pattern.startswith("{", self._at):
                raise self._error("a brace must be escaped, or be a repeat such as {2,5}")
            return None
        self._at = counted.end()
        low = int(counted[1])
        high = low if counted[2] is None else int(counted[3]) if counted[3] else None
        if max(low, high or 0) > _MAX_REPEAT or (high is not None and high < low):
            raise self._error(f"a repeat must be from 0 to {_MAX_REPEAT}, the lower number first")
        return low, high

    def _atom(self) -> Piece:
        if self._pattern[self._at] == "(":
            return self._group()
        if self._skip("."):
            return matcher.character(_not(matcher.is_newline))
        if self._skip("["):
            return matcher.character(self._class())
        if self._pattern[self._at] in "*+?{":
            raise self._error("nothing to repeat")
        return matcher.character(self._kind(self._char()))

    def _group(self) -> Piece:
        kind = next((text for text in _GROUPS if self._skip(text)), None)
        if kind is None:
            if self._pattern.startswith("(?", self._at):
                raise self._error("such a group is not supported")
            self._skip("(")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(f"more than {_MAX_DEPTH} groups inside groups")
        piece = self._alternatives()
        self._depth -= 1
        if not self._skip(")"):
            raise self._error("missing )")
        return matcher.look_ahead(piece, wanted=kind == "(?=") if kind in ("(?=", "(?!") else piece

    def _class(self) -> Test:
        is_negated = self._skip("^")
        tests: list[Test] = []
        while not tests or not self._skip("]"):
            low = self._char()
            if self._pattern.startswith("-", self._at) and self._pattern[self._at + 1 : self._at + 2] not in (
                "]",
                "",
            ):
                self._skip("-")
                high = self._char()
                if not isinstance(low, str) or not isinstance(high, str) or low > high:
                    raise self._error("bad range in a class")
                tests.append(self._range(low, high))
            else:
                tests.append(self._kind(low))
        return lambda char: any(test(char) for test in tests) is not is_negated

    def _char(self) -> str | Test:
        """Parse one character, or an escape that stands for a kind of characters."""
        char = self._next()
        if char != "\\":
            return char
        escaped = self._next()
        if escaped in _CLASSES:
            return _CLASSES[escaped]
        if escaped in _ESCAPES:
            return _ESCAPES[escaped]
        if escaped in _CODES:
            return self._code(_CODES[escaped])
        if escaped.isalnum():
            raise self._error(f"the escape \\{escaped} is not supported")
        return escaped

    def _code(self, digits: re.Pattern[str]) -> str:
        """Parse the code of a character after the letter of its escape."""
        found = digits.match(self._pattern, self._at)
        if found is None:
            raise self._error("the escape of a character needs two or four hexadecimal digits")
        self._at = found.end()
        return chr(int(found[0], 16))

    def _kind(self, char: str | Test) -> Test:
        return self._range(char, char) if isinstance(char, str) else char

    def _range(self, low: str, high: str) -> Test:
        if self._ignores_case:
            return lambda char: any(low <= same <= high for same in (char, char.lower(), char.upper()))
        return lambda char: low <= char <= high

    def _next(self) -> str:
        if self._at == len(self._pattern):
            raise self._error("the pattern ends too early")
        self._at += 1
        return self._pattern[self._at - 1]

    def _skip(self, text: str) -> bool:
        """Return whether `text` is next. If so, move to the place after it."""
        is_next = self._pattern.startswith(text, self._at)
        if is_next:
            self._at += len(text)
        return is_next

    def _error(self, problem: str) -> BadPattern:
        return BadPattern(f"the regex {self._pattern!r} cannot be used: {problem} (at character {self._at})")
