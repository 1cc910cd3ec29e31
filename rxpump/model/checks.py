"""Checks of arguments that are made at the call, before anything is sent.

Each check returns the value that it was given, and raises InvalidArgument if the value is not allowed.
"""

from __future__ import annotations

import math
from typing import Final, TypeGuard, TypeVar

from rxpump.errors import InvalidArgument
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import LAST_POSITION, Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM, METADATA_PREFIX

T = TypeVar("T")

_LONGEST: Final = 10**9
"""Longest time span in seconds, 31 years; the clock of asyncio cannot count longer ones exactly."""

_MAX_PORT: Final = 65535

_NOT_WRITTEN: Final = {
    ALL_STREAM: "the log of all events, which cannot be written or deleted",
    METADATA_PREFIX: "the prefix of the streams that hold metadata",
}
"""Names to which no events can be written, and what they are."""


def text(argument: str, value: object, *, allowed: str = "a non-empty string") -> str:
    """Return `value` if it is a non-empty text that UTF-8 can encode."""
    if not isinstance(value, str) or not value:
        raise InvalidArgument(argument, value, allowed)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidArgument(argument, value, f"{allowed}, without lone surrogates") from None
    return value


def flag(argument: str, value: object) -> bool:
    """Return `value` if it is True or False. Other truthy or falsy values are refused."""
    if not isinstance(value, bool):
        raise InvalidArgument(argument, value, "True or False")
    return value


def function(argument: str, value: T) -> T:
    """Return `value` if it can be called."""
    if not callable(value):
        raise InvalidArgument(argument, value, "a function")
    return value


def optional_function(argument: str, value: T) -> T:
    """Return `value` if it can be called or is None."""
    return value if value is None else function(argument, value)


def client_that_can(method: str, value: T) -> T:
    """Return `value` if it is a client or another object that has the method."""
    if not callable(getattr(value, method, None)):
        raise InvalidArgument("client", value, "a Client, or the result of client.as_user(...)")
    return value


def seconds(argument: str, value: object, *, least: float | None = None) -> float:
    """Return `value` as a time span of more than 0 seconds, or of at least `least` seconds. It can be infinite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_least(value, least):
        allowed = "over 0" if least is None else f"from {least:g} on"
        raise InvalidArgument(argument, value, f"a number of seconds {allowed}")
    if _LONGEST < value < math.inf:
        raise InvalidArgument(argument, value, f"at most {_LONGEST} seconds, or infinity")
    return value


def _is_least(value: float, least: float | None) -> bool:
    return value > 0 if least is None else value >= least


def share(argument: str, value: object) -> float:
    """Return `value` if it is a number from 0 to 1."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InvalidArgument(argument, value, "a number from 0 to 1")
    return value


def timeout(value: object) -> float | None:
    """Return `value` if it is a timeout of a call in seconds, or None for no limit."""
    if value is None:
        return None
    try:
        return seconds("timeout", value)
    except InvalidArgument as error:
        raise InvalidArgument("timeout", value, f"{error.allowed}, or None to wait forever") from None


def count(argument: str, value: object, *, least: int = 1, most: int = MAX_EVENT_NUMBER) -> int:
    """Return `value` if it is a whole number from `least` to `most`."""
    if not _is_number(value, least, most):
        allowed = f"{least} or more" if most == MAX_EVENT_NUMBER else f"from {least} to {most}"
        raise InvalidArgument(argument, value, f"a whole number, {allowed}")
    return value


def direction(value: object) -> StreamDirection:
    """Return `value` if it is a StreamDirection."""
    if not isinstance(value, StreamDirection):
        raise InvalidArgument("direction", value, "StreamDirection.FORWARD or StreamDirection.BACKWARD")
    return value


def position(argument: str, value: object) -> Position:
    """Return `value` if it is a position in the log; (-1, -1) is its end."""
    if isinstance(value, tuple) and len(value) == 2:
        commit, prepare = value
        if value == LAST_POSITION or all(_is_number(half, 0, MAX_EVENT_NUMBER) for half in value):
            return Position(commit, prepare)
    raise InvalidArgument(argument, value, "a Position that the server sent, START or END")


def port(argument: str, value: object) -> int:
    """Return `value` if it is the number of a TCP port."""
    if not _is_number(value, 1) or value > _MAX_PORT:
        raise InvalidArgument(argument, value, f"a whole number from 1 to {_MAX_PORT}")
    return value


def stream_name(value: object) -> str:
    """Return `value` if it is the name of a stream, which is any non-empty text."""
    return text("stream", value)


def one_stream(value: object, instead: str, *, argument: str = "stream") -> str:
    """Return `value` if it is the name of one stream. `$all` is refused.

    A server treats `$all` as the name of an ordinary stream without events. A request would succeed and return
    nothing.

    Args:
        value: Name to check.
        instead: Clause of the error message that names the method for the log.
        argument: Name of the argument.

    Raises:
        InvalidArgument: The name is `$all`, is empty, or is not a text.
    """
    name = text(argument, value)
    if name == ALL_STREAM:
        raise InvalidArgument(argument, name, f"the name of one stream; {instead}")
    return name


def written_stream(value: object) -> str:
    """Return `value` if it is the name of a stream that can be written to.

    Raises:
        InvalidArgument: The name is `$all`, is `$$` (a write to it makes a server terminate), is empty, or is not a
            text.
    """
    name = text("stream", value)
    if name in _NOT_WRITTEN:
        raise InvalidArgument("stream", name, f"the name of one stream; {name} is {_NOT_WRITTEN[name]}")
    return name


def deleted_stream(value: object) -> str:
    """Return `value` if it is the name of a stream that can be deleted.

    Raises:
        InvalidArgument: The stream contains the metadata of another (its deletion can make a server terminate), or it
            cannot be written to.
    """
    name = written_stream(value)
    if name.startswith(METADATA_PREFIX):
        allowed = f"a stream whose name does not begin with {METADATA_PREFIX}; to clear metadata, set them"
        raise InvalidArgument("stream", name, allowed)
    return name


def event_number(value: object, *, argument: str = "event_number") -> int:
    """Return `value` if it is the number of an event, from 0, or -1 for the last event."""
    if not _is_number(value, -1, MAX_EVENT_NUMBER):
        raise InvalidArgument(argument, value, "a number from 0, or -1 for the last event")
    return value


def page_size(value: object, *, argument: str = "max_count", most: int) -> int:
    """Return `value` if it is a number of events for one request, from 1 to `most`."""
    if not _is_number(value, 1, most):
        raise InvalidArgument(argument, value, f"a number from 1 to {most}")
    return value


def expected_version(value: object, *, may_be_stream_exists: bool = True) -> int:
    """Return `value` if it is an expected version: a number from 0, or an ExpectedVersion."""
    least, names = (-4, "ANY, NO_STREAM or STREAM_EXISTS") if may_be_stream_exists else (-2, "ANY or NO_STREAM")
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_EVENT_NUMBER and value != -3:
        return int(value)
    raise InvalidArgument("expected_version", value, f"a number from 0, or ExpectedVersion.{names}")


def _is_number(value: object, least: int, most: int | None = None) -> TypeGuard[int]:
    """Return whether a value is a whole number in this range; True and False are not."""
    return (
        isinstance(value, int) and not isinstance(value, bool) and value >= least and (most is None or value <= most)
    )
