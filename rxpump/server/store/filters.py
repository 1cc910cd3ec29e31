"""Which events a client wants to see: by a filter on their streams or their types.

See docs/protocol/tcp.md, section 3.4.

A filter looks at an event as it is written: at a link, not at what the link leads to.
"""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

from rxpump.server.store.culture import starts_with
from rxpump.server.store.regex import BadPattern, Regex
from rxpump.server.strictness import Strictness
from rxpump.tcp.wire.codes import FilterContext, FilterType

MAX_PREFIXES: Final = 256
MAX_PREFIX_CHARACTERS: Final = 16 * 1024
"""What the prefixes of one filter may take together."""

_LITERAL: Final = re.compile(r"\^((?:[^.*+?^$|()\[\]{}\\]|\\[^A-Za-z0-9])*)")
"""An anchor, then characters that stand for themselves, or are escaped."""

_LITERALS: Final = re.compile(rf"{_LITERAL.pattern}(?:\|{_LITERAL.pattern})*")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class BadFilter(ValueError):
    """The filter cannot be used; the text says why."""


class Search(Protocol):
    """How a name is looked at. `steps` is what all searches so far have cost, about half a microsecond each."""

    @property
    def steps(self) -> int:
        """What the searches have cost."""

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""

    def search(self, text: str) -> bool:
        """Tell whether `text` is wanted. Raises TooCostly, where a regex is."""


class Prefixes:
    """Wants what begins with one of `prefixes`."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        self.prefixes = prefixes
        self.steps: int = 0

    def search(self, text: str) -> bool:
        """Tell whether `text` begins with one of the prefixes."""
        self.steps += 1 + len(self.prefixes) // 16
        return text.startswith(self.prefixes)

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""
        return sum(64 + 4 * len(prefix) for prefix in self.prefixes)

    def __repr__(self) -> str:
        return f"<Prefixes {self.prefixes!r}>"


class LetterPrefixes(Prefixes):
    """Wants what begins with the letters of one of `prefixes`, as a real server compares them."""

    steps: int

    def search(self, text: str) -> bool:
        """Return whether `text` begins with one of the prefixes, by the rules of a culture."""
        self.steps += 1 + len(self.prefixes)
        return any(starts_with(text, prefix) for prefix in self.prefixes)


class LogFilter:
    """Wants the events whose stream, or type, `search` finds."""

    def __init__(self, search: Search, *, by_type: bool) -> None:
        self.search = search
        self._by_type = by_type

    def matches(self, record: Any) -> bool:
        """Tell whether the event of this EventRecord is wanted. Raises TooCostly, where a regex is."""
        return self.search.search(record.event_type if self._by_type else record.event_stream_id)

    def __repr__(self) -> str:
        return f"<LogFilter of {'types' if self._by_type else 'streams'} by {self.search!r}>"


_PREFIXES: Final = {Strictness.LENIENT: Prefixes, Strictness.REAL: LetterPrefixes}


def read_filter(message: Any, strictness: Strictness = Strictness.LENIENT) -> LogFilter:
    """Read a Filter message; one without data wants everything. Raises BadFilter."""
    by_type = _by_type(message.context)
    data = tuple(message.data)
    if not all(isinstance(text, str) for text in data):
        raise BadFilter("the filter is not UTF-8")
    if not data:
        return LogFilter(Prefixes(("",)), by_type=by_type)
    if message.type == FilterType.REGEX:
        return LogFilter(_regex(data[0]), by_type=by_type)
    if message.type == FilterType.PREFIX:
        return LogFilter(_prefixes(data, _PREFIXES[strictness]), by_type=by_type)
    raise BadFilter(f"a filter's type is 0 (regex) or 1 (prefix), not {message.type}")


def _by_type(context: int) -> bool:
    if context not in (FilterContext.STREAM, FilterContext.EVENT_TYPE):
        raise BadFilter(f"a filter's context is 0 (stream) or 1 (event type), not {context}")
    return context == FilterContext.EVENT_TYPE


def _regex(pattern: str) -> Search:
    if (prefixes := _anchored_literals(pattern)) is not None:
        return _prefixes(prefixes)
    try:
        return Regex(pattern)
    except BadPattern as error:
        raise BadFilter(str(error)) from error


def _anchored_literals(pattern: str) -> tuple[str, ...] | None:
    r"""Return the prefixes that a regex such as `^Order-|^Bill\.` stands for; None if it stands for more.

    Clients send prefixes in this form, and to compare prefixes is many times faster than to search for a regex.
    """
    if _LITERALS.fullmatch(pattern) is None:
        return None
    return tuple(_ESCAPED.sub(r"\1", literal) for literal in _LITERAL.findall(pattern))


def _prefixes(prefixes: tuple[str, ...], kind: type[Prefixes] = Prefixes) -> Prefixes:
    if len(prefixes) > MAX_PREFIXES or sum(map(len, prefixes)) > MAX_PREFIX_CHARACTERS:
        raise BadFilter(f"a filter may have {MAX_PREFIXES} prefixes and {MAX_PREFIX_CHARACTERS} characters in them")
    return kind(prefixes)
