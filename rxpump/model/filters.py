"""Filters of events as values, which the client and the server can both apply."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

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
    _type: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _stream: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        if all(value is None for value in given.values()):
            raise InvalidArgument("where", None, f"at least one of {', '.join(given)}")
        for name, value in given.items():
            if value is not None:
                checks.text(name, value)
        object.__setattr__(self, "_type", _compiled("type_regex", self.type_regex))
        object.__setattr__(self, "_stream", _compiled("stream_regex", self.stream_regex))

    def matches(self, event: Event) -> bool:
        """Return whether an event matches."""
        return (
            (self.type_prefix is None or event.type.startswith(self.type_prefix))
            and (self.stream_prefix is None or event.stream.startswith(self.stream_prefix))
            and (self._type is None or self._type.search(event.type) is not None)
            and (self._stream is None or self._stream.search(event.stream) is not None)
        )


def _compiled(argument: str, regex: str | None) -> re.Pattern[str] | None:
    try:
        return None if regex is None else re.compile(regex)
    except re.error as error:
        raise InvalidArgument(argument, regex, f"a regular expression ({error})") from error
