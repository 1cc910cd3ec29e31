"""Filters by the stream or the type of events (docs/protocol/tcp.md, section 3.4).

A filter tests an event as it was written. For a link it tests the link and not its target.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, Protocol

from rxpump.server.store import re2_search
from rxpump.server.store.culture import starts_with
from rxpump.server.store.re2_search import Re2Search
from rxpump.server.store.regex import BadPattern, Regex
from rxpump.server.strictness import Strictness

MAX_PREFIXES: Final = 256
"""Largest number of prefixes of one filter."""

MAX_PREFIX_CHARACTERS: Final = 16 * 1024
"""Largest total number of characters of the prefixes of one filter."""

_LITERAL: Final = re.compile(r"\^((?:[^.*+?^$|()\[\]{}\\]|\\[^A-Za-z0-9])*)")
"""Matches an anchor that is followed by literal or escaped characters."""

_LITERALS: Final = re.compile(rf"{_LITERAL.pattern}(?:\|{_LITERAL.pattern})*")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class BadFilter(ValueError):
    """The filter cannot be used; the message is the reason."""


class FilterField(Enum):
    """The field of an event that a filter tests."""

    STREAM = "event_stream_id"
    TYPE = "event_type"


class Search(Protocol):
    """A test that the name of a stream or a type passes or fails."""

    @property
    def steps(self) -> int:
        """Cost of all searches so far, in steps of about half a microsecond."""

    @property
    def size(self) -> int:
        """Approximate size in bytes."""

    def search(self, text: str) -> bool:
        """Return whether `text` passes.

        Raises:
            TooCostly: A regular expression takes too many steps.
        """


class Prefixes:
    """A search for texts that start with any of some prefixes, compared character by character."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        self.prefixes = prefixes
        self.steps: int = 0

    def search(self, text: str) -> bool:
        """Return whether `text` starts with one of the prefixes."""
        self.steps += 1 + len(self.prefixes) // 16
        return text.startswith(self.prefixes)

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return sum(64 + 4 * len(prefix) for prefix in self.prefixes)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.prefixes!r}>"


class LetterPrefixes(Prefixes):
    """A search by prefixes that compares letters as a real server does (see `rxpump.server.store.culture`)."""

    steps: int

    def search(self, text: str) -> bool:
        """Return whether `text` starts with the letters of one of the prefixes."""
        self.steps += 1 + len(self.prefixes)
        return any(starts_with(text, prefix) for prefix in self.prefixes)


class LogFilter:
    """A filter of events.

    Args:
        field: The field to test.
        search: The test.
    """

    def __init__(self, field: FilterField, search: Search) -> None:
        self.search = search
        self._field = field

    def matches(self, record: Any) -> bool:
        """Return whether an event, given as a `Record`, passes.

        Raises:
            TooCostly: A regular expression takes too many steps.
        """
        return self.search.search(record.event_type if self._field is FilterField.TYPE else record.event_stream_id)

    def __repr__(self) -> str:
        return f"<LogFilter of {self._field.name.lower()}s by {self.search!r}>"


_PREFIX_SEARCHES: Final = {Strictness.LENIENT: Prefixes, Strictness.REAL: LetterPrefixes}


def any_text() -> Search:
    """Return a search that every text passes."""
    return Prefixes(("",))


def prefix_search(prefixes: Sequence[str], strictness: Strictness = Strictness.LENIENT) -> Search:
    """Return a search for texts that start with one of `prefixes`.

    Raises:
        BadFilter: There are too many prefixes, or they are too long.
    """
    return _PREFIX_SEARCHES[strictness](_checked(tuple(prefixes)))


def regex_search(pattern: str) -> Search:
    """Return a search for a regular expression anywhere in a text.

    Anchored literals are compared as prefixes. Other patterns are searched by RE2 if it is installed and accepts
    them, and otherwise by `Regex`.

    Raises:
        BadFilter: The pattern is not supported.
    """
    prefixes = _anchored_literals(pattern)
    if prefixes is not None:
        return Prefixes(_checked(prefixes))
    if re2_search.IS_INSTALLED:
        try:
            return Re2Search(pattern)
        except ValueError:
            pass  # `Regex` supports syntax that RE2 does not support, such as look-ahead.
    try:
        return Regex(pattern)
    except BadPattern as error:
        raise BadFilter(str(error)) from error


def _anchored_literals(pattern: str) -> tuple[str, ...] | None:
    r"""Return the prefixes that a pattern such as `^Order-|^Bill\.` consists of; None for any other pattern.

    Clients send prefixes in this form, and comparing prefixes is many times faster than searching for a pattern.
    """
    if _LITERALS.fullmatch(pattern) is None:
        return None
    return tuple(_ESCAPED.sub(r"\1", literal) for literal in _LITERAL.findall(pattern))


def _checked(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    characters = sum(map(len, prefixes))
    if len(prefixes) > MAX_PREFIXES or characters > MAX_PREFIX_CHARACTERS:
        raise BadFilter(
            f"a filter may have {MAX_PREFIXES} prefixes with {MAX_PREFIX_CHARACTERS} characters,"
            f" got {len(prefixes)} with {characters}"
        )
    return prefixes
