"""Regular expressions that cannot take for ever.

Python's own matcher tries one way through a pattern after the other, and some patterns have more ways than
anybody can wait for. A server takes patterns from strangers, so this one follows all ways at once. A set of
places in the text is an integer, bit `i` for the place before character `i`. Each piece of a pattern is a
function from the places where it may end to those where it may then begin:

    a        shift by one, keep the places before an `a`
    xy       first y, then x
    x|y      both, united
    x*       again and again, until no place is new
    (?!x)    keep the places where x cannot begin

A pattern is found if it may begin anywhere when it may end anywhere. Text is matched as by `re.search`; which
characters a group took, nobody asks here. What needs to know it (back references, possessive and atomic groups)
is refused.

Why not a library: nothing stops Python's `re` once it runs, and it holds the interpreter while it does; no bound
on the lengths of pattern and text helps, as `(a+)+$` takes for ever over thirty characters. Whom that hangs is
not admins only: a stream that anybody may read can be subscribed to with a filter on its types. `regex` (with its
`timeout`) and `google-re2` are no core dependencies, and a promise that holds where an extra is installed is none.
Of Python we take its parser, so that what a pattern means is not decided here; it is private, so the tests compare
what is found with what `re` finds, on each version that we support.

Every step is counted. Repeats inside repeats still take many, so a search has a bound, STEPS, beyond which it is
given up as TooCostly; no pattern of ordinary looks comes near it.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Final

MAX_PATTERN: Final = 1024
"""Characters that a pattern may have."""

MAX_TEXT: Final = 1024
"""Characters that a text may have; in a longer one nothing is found."""

STEPS: Final = 20_000
"""What one search may take; about 10 ms."""

_KNOWN: Final = 64

_FLAGS: Final = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.UNICODE


class BadPattern(ValueError):
    """The pattern cannot be used; the text says why."""


class TooCostly(Exception):
    """A search took more than STEPS steps."""


class Text:
    """A text that is searched, as sets of places."""

    def __init__(self, text: str) -> None:
        self.steps: int = 2 + len(text) // 4  # what the following takes
        self.end: int = 1 << len(text)
        self.anywhere: int = 2 * self.end - 1
        self._places: dict[str, int] = {}
        self._kinds: dict[Test, int] = {}
        self._seen: dict[Piece, int] = {}
        for place, char in enumerate(text):
            self._places[char] = self._places.get(char, 0) | 1 << place

    def spend(self, steps: int) -> None:
        """Count what is done next. Raises TooCostly."""
        self.steps += steps
        if self.steps > STEPS:
            raise TooCostly

    def before(self, kind: Test) -> int:
        """The places before a character of that kind."""
        places = self._kinds.get(kind)
        if places is None:
            places = self._kinds[kind] = sum(at for char, at in self._places.items() if kind(char))
        return places

    def seen(self, piece: Piece) -> int:
        """The places where a piece is, whatever stands around it."""
        places = self._seen.get(piece)
        if places is None:
            places = self._seen[piece] = piece(self, self.anywhere)
        return places


Test = Callable[[str], bool]
"""Tells whether a character is of a kind."""

Piece = Callable[[Text, int], int]
"""A piece of a pattern: from the places where it may end to those where it may begin, or the other way round."""


class Regex:
    """A pattern in Python's syntax. Raises BadPattern for what cannot be used."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.steps: int = 0  # taken by all searches so far
        self._known: dict[str, bool] = {}  # recent answers: types are few, and streams come in runs
        if len(pattern) > MAX_PATTERN:
            raise BadPattern(f"a regex of {len(pattern)} characters is too long, {MAX_PATTERN} are allowed")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = parser.parse(pattern)
            self._piece = _Maker(tree.state.flags).sequence(tree)
        except (re.error, OverflowError) as error:
            raise BadPattern(f"the regex {pattern!r} does not compile: {error}") from error
        except RecursionError:
            raise BadPattern("the regex has too many groups inside groups") from None

    def search(self, text: str) -> bool:
        """Tell whether the pattern is somewhere in `text`. Raises TooCostly."""
        if len(text) > MAX_TEXT:
            return False
        if text not in self._known:
            if len(self._known) == _KNOWN:
                self._known.clear()
            self._known[text] = self._search(text)
        return self._known[text]

    def _search(self, text: str) -> bool:
        within = Text(text)
        try:
            return self._piece(within, within.anywhere) != 0
        finally:
            self.steps += within.steps

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""
        return 512 * (1 + len(self.pattern))

    def __repr__(self) -> str:
        return f"<Regex {self.pattern!r}>"


class _Maker:
    """Makes pieces of what Python's parser made of a pattern, from their ends to their starts, or `onward`."""

    def __init__(self, flags: int, *, onward: bool = False) -> None:
        if flags & ~_FLAGS:
            raise BadPattern("of the flags of a regex only i, m, s and x are supported")
        self._flags = flags
        self._onward = onward

    def sequence(self, tree: Iterable[tuple[Any, Any]]) -> Piece:
        pieces = [self._piece(kind, argument) for kind, argument in tree]
        if not self._onward:
            pieces.reverse()

        def sequence(text: Text, places: int) -> int:
            text.spend(1 + len(pieces))
            for piece in pieces:
                places = piece(text, places)
                if not places:
                    break
            return places

        return sequence

    def _piece(self, kind: Any, argument: Any) -> Piece:
        match kind:
            case sre.LITERAL | sre.NOT_LITERAL | sre.IN | sre.ANY:
                return self._character(self._test(kind, argument))
            case sre.BRANCH:
                return _union([self.sequence(branch) for branch in argument[1]])
            case sre.SUBPATTERN:
                _, added, removed, tree = argument
                return _Maker(self._flags & ~removed | added, onward=self._onward).sequence(tree)
            case sre.MAX_REPEAT | sre.MIN_REPEAT:
                low, high, tree = argument
                return _repeat(self.sequence(tree), low, high)
            case sre.ASSERT | sre.ASSERT_NOT:
                direction, tree = argument
                looked_for = _Maker(self._flags, onward=direction < 0).sequence(tree)
                return _look(looked_for, wanted=kind is sre.ASSERT)
            case sre.AT:
                return _at(argument, is_multiline=bool(self._flags & re.MULTILINE))
            case sre.FAILURE:
                return lambda text, places: 0
            case _:
                raise BadPattern(f"a regex with {_UNSUPPORTED.get(kind, 'such a group')} is not supported")

    def _character(self, test: Test) -> Piece:
        if self._onward:
            return lambda text, places: (places & text.before(test)) << 1
        return lambda text, places: places >> 1 & text.before(test)

    def _test(self, kind: Any, argument: Any) -> Test:
        match kind:
            case sre.ANY:
                return (lambda char: True) if self._flags & re.DOTALL else (lambda char: char != "\n")
            case sre.IN:
                is_negated = argument[0][0] is sre.NEGATE
                tests = [self._member(*item) for item in argument[is_negated:]]
                return lambda char: any(test(char) for test in tests) is not is_negated
            case _:
                test = self._member(sre.LITERAL, argument)
                return test if kind is sre.LITERAL else lambda char: not test(char)

    def _member(self, kind: Any, argument: Any) -> Test:
        if kind is sre.CATEGORY:
            return _CATEGORIES[argument]
        low, high = argument if kind is sre.RANGE else (argument, argument)
        if self._flags & re.IGNORECASE:
            return lambda char: any(low <= ord(same) <= high for same in _cases(char))
        return lambda char: low <= ord(char) <= high


def _cases(char: str) -> Iterable[str]:
    return {char} | {same for same in (char.lower(), char.upper()) if len(same) == 1}


def _union(pieces: Iterable[Piece]) -> Piece:
    def union(text: Text, places: int) -> int:
        found = 0
        for piece in pieces:
            found |= piece(text, places)
        return found

    return union


def _repeat(piece: Piece, low: int, high: int) -> Piece:
    def repeat(text: Text, places: int) -> int:
        for _ in range(low):
            before, places = places, piece(text, places)
            if places == before:
                break
        found = new = places
        for _ in range(high - low):
            new = piece(text, new) & ~found
            if not new:
                break
            found |= new
        return found

    return repeat


def _look(piece: Piece, *, wanted: bool) -> Piece:
    def look(text: Text, places: int) -> int:
        seen = text.seen(piece)
        return places & (seen if wanted else ~seen)

    return look


def _at(what: Any, *, is_multiline: bool) -> Piece:
    if is_multiline:
        what = sre.AT_MULTILINE.get(what, what)
    return lambda text, places: places & _PLACES[what](text)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _is_newline(char: str) -> bool:
    return char == "\n"


def _boundary(text: Text) -> int:
    words = text.before(_is_word)
    return words ^ words << 1


_PLACES: Final[dict[Any, Callable[[Text], int]]] = {
    sre.AT_BEGINNING: lambda text: 1,
    sre.AT_BEGINNING_STRING: lambda text: 1,
    sre.AT_BEGINNING_LINE: lambda text: 1 | text.before(_is_newline) << 1,
    sre.AT_END: lambda text: text.end | text.before(_is_newline) & text.end >> 1,
    sre.AT_END_STRING: lambda text: text.end,
    sre.AT_END_LINE: lambda text: text.end | text.before(_is_newline),
    sre.AT_BOUNDARY: _boundary,
    sre.AT_NON_BOUNDARY: lambda text: text.anywhere & ~_boundary(text),
}

_UNSUPPORTED: Final[dict[Any, str]] = {
    sre.GROUPREF: "a back reference",
    sre.GROUPREF_EXISTS: "a condition",
    sre.ATOMIC_GROUP: "an atomic group",
    sre.POSSESSIVE_REPEAT: "a possessive repeat",
}

_CATEGORIES: Final[dict[Any, Test]] = {
    sre.CATEGORY_DIGIT: str.isdecimal,
    sre.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    sre.CATEGORY_WORD: _is_word,
    sre.CATEGORY_NOT_WORD: lambda char: not _is_word(char),
}
