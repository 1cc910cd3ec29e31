"""Find the last event on the server. Subscriptions compare its place with that of the last event they received."""

from __future__ import annotations

from rxpump.errors import AccessDenied, ReadFailed, StreamNotFound
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls import read
from rxpump.grpc.reads.pages import find_last_number, find_last_position
from rxpump.model.positions import Position, StreamDirection
from rxpump.model.system_names import METADATA_PREFIX
from rxpump.transport import ServerEnd

_BACKWARD = StreamDirection.BACKWARD


async def find_stream_end(caller: Caller, stream: str) -> ServerEnd:
    """Find the last event of a stream; see `Transport.find_stream_end`.

    The server does not return the last number of a stream that was soft-deleted. Such a stream has metadata; a stream
    that never existed has none.
    """
    try:
        last, readable = await find_last_number(caller, stream)
    except StreamNotFound:
        return ServerEnd(None if await _has_metadata(caller, stream) else -1, None)
    return ServerEnd(last, readable)


async def find_all_end(caller: Caller, after: Position) -> ServerEnd:
    """Find the last event of `$all`; see `Transport.find_all_end`."""
    readable = await find_last_position(caller)
    return ServerEnd(await last_place(caller, after, readable), readable)


async def last_place(caller: Caller, after: Position, last: Position | None) -> Position | None:
    """Return the last known position in the log: `after` if it is later than `last` and in the log, otherwise `last`.

    A checkpoint can be the position of an event that can no longer be read. So `after` can be greater than `last`
    although the server has lost nothing. A server refuses to read backward from a position after the end of its log.

    Args:
        caller: Makes the calls.
        after: Position that the log should contain.
        last: Position of the last event that can be read, None if there is none.
    """
    if last is not None and after <= last:
        return last
    context = read.read_context(None)
    request = read.read_all(after, _BACKWARD, resolve_links=False, count=1)
    try:
        await caller.collect(context, [request])
    except ReadFailed:
        return last
    return after


async def _has_metadata(caller: Caller, stream: str) -> bool:
    """Return whether a stream has metadata, or may have some that the user may not read."""
    if stream.startswith(METADATA_PREFIX):
        return False
    try:
        await find_last_number(caller, METADATA_PREFIX + stream)
    except StreamNotFound:
        return False
    except AccessDenied:
        return True
    return True
