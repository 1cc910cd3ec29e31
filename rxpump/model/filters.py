"""Filters of events as values, which the client and the server can both apply."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import lru_cache

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.events import Event


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter of events. An event must match every field that is not None.

    A regular expression has the syntax of Python, and matches if it is found anywhere in the text; begin it with
    `^` to match from the start. If an event was read through a link, its own stream and type count, not those of the
    link.

    Attributes:
        type_prefix: Prefix of the type.
        type_regex: Regular expression for the type.
        stream_prefix: Prefix of the name of the stream.
        stream_regex: Regular expression for the name of the stream.

    Raises:
        InvalidArgument: Every field is None, or a regular expression is malformed.
    """

    type_prefix: str | None = None
    type_regex: str | None = None
    stream_prefix: str | None = None
    stream_regex: str | None = None

    def __post_init__(self) -> None:
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        if all(value is None for value in given.values()):
            raise InvalidArgument("where", None, f"at least one of {', '.join(given)}")
        for name, value in given.items():
            if value is not None:
                checks.text(name, value)
        for name in ("type_regex", "stream_regex"):
            _check_regex(name, given[name])

    def matches(self, event: Event) -> bool:
        """Return whether an event matches."""
        return (
            (self.type_prefix is None or event.type.startswith(self.type_prefix))
            and (self.stream_prefix is None or event.stream.startswith(self.stream_prefix))
            and (self.type_regex is None or _compiled(self.type_regex).search(event.type) is not None)
            and (self.stream_regex is None or _compiled(self.stream_regex).search(event.stream) is not None)
        )


_compiled = lru_cache(maxsize=256)(re.compile)


def _check_regex(argument: str, regex: str | None) -> None:
    try:
        _compiled(regex or "")
    except re.error as error:
        raise InvalidArgument(argument, regex, f"a regular expression ({error})") from error
