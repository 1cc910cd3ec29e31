"""Arguments, refused here before anything is sent if the server could only refuse them.

Each check gives its value back. Raises InvalidArgument.
"""

from __future__ import annotations

import math
from typing import Final, TypeGuard, TypeVar

from rxpump.errors import InvalidArgument
from rxpump.model.limits import MAX_EVENT_NUMBER, MAX_PAGE_EVENTS
from rxpump.model.positions import LAST_POSITION, Position, StreamDirection

T = TypeVar("T")

_LONGEST: Final = 10**9  # seconds, 31 years; asyncio's clock counts them as a float

_MAX_PORT: Final = 65535

ALL_STREAM: Final = "$all"
"""The name that servers use for the whole database."""

METADATA_PREFIX: Final = "$$"
"""Prefix of the name of the stream that holds the metadata of another."""


def text(argument: str, value: object, *, allowed: str = "a non-empty string") -> str:
    """Text that the protocol can carry: not empty, and UTF-8 can hold it."""
    if not isinstance(value, str) or not value:
        raise InvalidArgument(argument, value, allowed)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(argument, value, f"{allowed}, without lone surrogates") from None
    return value


def flag(argument: str, value: object) -> bool:
    """True or False, and nothing that Python merely takes for one of them."""
    if not isinstance(value, bool):
        raise InvalidArgument(argument, value, "True or False")
    return value


def function(argument: str, value: T) -> T:
    """A function, or anything else that can be called."""
    if not callable(value):
        raise InvalidArgument(argument, value, "a function")
    return value


def optional_function(argument: str, value: T) -> T:
    """A function, or None."""
    return value if value is None else function(argument, value)


def client_that_can(method: str, value: T) -> T:
    """A client, or what `client.as_user` returns: whatever has this method."""
    if not callable(getattr(value, method, None)):
        raise InvalidArgument("client", value, "a Client, or what client.as_user(...) returns")
    return value


def seconds(argument: str, value: object, *, least: float | None = None) -> float:
    """A time span: over 0, or `least` or more; infinity is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_least(value, least):
        allowed = "over 0" if least is None else f"from {least:g} on"
        raise InvalidArgument(argument, value, f"a number of seconds {allowed}")
    if _LONGEST < value < math.inf:
        raise InvalidArgument(argument, value, f"at most {_LONGEST} seconds, or infinity")
    return value


def _is_least(value: float, least: float | None) -> bool:
    return value > 0 if least is None else value >= least


def share(argument: str, value: object) -> float:
    """A share of a whole, from 0 to 1."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InvalidArgument(argument, value, "a number from 0 to 1")
    return value


def timeout(value: object) -> float | None:
    """The seconds that a call may take; None: for ever."""
    if value is None:
        return None
    try:
        return seconds("timeout", value)
    except InvalidArgument as error:
        raise InvalidArgument("timeout", value, f"{error.allowed}, or None to wait for ever") from None


def count(argument: str, value: object, *, least: int = 1, most: int = MAX_EVENT_NUMBER) -> int:
    """How many of something: a whole number from `least` to `most`."""
    if not _is_number(value, least, most):
        allowed = f"{least} or more" if most == MAX_EVENT_NUMBER else f"from {least} to {most}"
        raise InvalidArgument(argument, value, f"a whole number, {allowed}")
    return value


def direction(value: object) -> StreamDirection:
    """Which way a stream is read."""
    if not isinstance(value, StreamDirection):
        raise InvalidArgument("direction", value, "StreamDirection.FORWARD or StreamDirection.BACKWARD")
    return value


def position(argument: str, value: object) -> Position:
    """A place in the whole database: one that a server handed out, or (-1, -1) for the end."""
    if isinstance(value, tuple) and len(value) == 2:
        commit, prepare = value
        if value == LAST_POSITION or all(_is_number(half, 0, MAX_EVENT_NUMBER) for half in value):
            return Position(commit, prepare)
    raise InvalidArgument(argument, value, "a Position that a server handed out, START or END")


def port(argument: str, value: object) -> int:
    """Return the number of a port."""
    if not _is_number(value, 1) or value > _MAX_PORT:
        raise InvalidArgument(argument, value, f"a whole number from 1 to {_MAX_PORT}")
    return value


def stream_name(value: object) -> str:
    """A stream's name: any text but the empty one."""
    return text("stream", value)


def one_stream(value: object, instead: str, *, argument: str = "stream") -> str:
    """Return the name of one stream.

    A server takes `$all` for a stream that never has an event, so a request for it would succeed and return nothing.

    Args:
        value: The name to check.
        instead: A clause that names the verb for the whole database.
        argument: Name of the argument.

    Raises:
        InvalidArgument: The name is `$all`, empty, or no text.
    """
    name = text(argument, value)
    if name == ALL_STREAM:
        raise InvalidArgument(argument, name, f"the name of one stream; {instead}")
    return name


def written_stream(value: object) -> str:
    """Return the name of one stream that is written to.

    Raises:
        InvalidArgument: The name is `$all`, `$$` (a write to it ends a server), empty, or no text.
    """
    name = one_stream(value, f"{ALL_STREAM} is the whole database, which no request writes to or deletes")
    if name == METADATA_PREFIX:
        allowed = f"the name of one stream; {METADATA_PREFIX} is the prefix of the streams that hold metadata"
        raise InvalidArgument("stream", name, allowed)
    return name


def deleted_stream(value: object) -> str:
    """Return the name of one stream that is deleted.

    Raises:
        InvalidArgument: The name is that of a stream of metadata, whose deletion can end a server, or it is none
            that can be written to.
    """
    name = written_stream(value)
    if name.startswith(METADATA_PREFIX):
        allowed = f"a stream whose name does not begin with {METADATA_PREFIX}; to clear metadata, set them"
        raise InvalidArgument("stream", name, allowed)
    return name


def event_number(value: object, *, argument: str = "event_number") -> int:
    """An event number: from 0, or -1 for the last."""
    if not _is_number(value, -1, MAX_EVENT_NUMBER):
        raise InvalidArgument(argument, value, "a number from 0, or -1 for the last event")
    return value


def page_size(value: object, *, argument: str = "max_count") -> int:
    """How many events one read asks for."""
    if not _is_number(value, 1, MAX_PAGE_EVENTS):
        raise InvalidArgument(argument, value, f"a number from 1 to {MAX_PAGE_EVENTS}")
    return value


def expected_version(value: object, *, may_be_stream_exists: bool = True) -> int:
    """A version >= 0, or one of ExpectedVersion's names; a transaction cannot expect STREAM_EXISTS."""
    least, names = (-4, "ANY, NO_STREAM or STREAM_EXISTS") if may_be_stream_exists else (-2, "ANY or NO_STREAM")
    if not _is_number(value, least, MAX_EVENT_NUMBER) or value == -3:
        raise InvalidArgument("expected_version", value, f"a number from 0, or ExpectedVersion.{names}")
    return int(value)


def _is_number(value: object, least: int, most: int | None = None) -> TypeGuard[int]:
    """Tell whether `value` is a whole number in this range; a bool is none."""
    return (
        isinstance(value, int) and not isinstance(value, bool) and value >= least and (most is None or value <= most)
    )
