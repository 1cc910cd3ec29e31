"""Streams.Read: read or follow a stream or all streams (docs/protocol/grpc.md, sections 5.5 to 5.9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rxpump.grpc.messages.streams import ReadResponse
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import LAST_POSITION, Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import (
    CallError,
    access_denied,
    handler_failed,
    index_not_found,
    invalid_argument,
    plain_error,
)
from rxpump.server.grpc.checkpointed_pages import CheckpointedPages
from rxpump.server.grpc.event_encoder import EventEncoder, LogEncoder, joined
from rxpump.server.grpc.leadership import check_leadership
from rxpump.server.grpc.page_sources import (
    PAGE,
    AllPages,
    FilteredPages,
    PagedSource,
    PageSource,
    StreamPages,
    offset_behind,
)
from rxpump.server.grpc.services.read_options import ReadOptions, read_options, read_source
from rxpump.server.grpc.subscription import Subscription
from rxpump.server.grpc.subscription_messages import caught_up_in_log, caught_up_in_stream, confirmation_message
from rxpump.server.membership import Demand
from rxpump.server.store.feed import EVERYTHING

_FIRST_PAGE: Final = 32
"""Number of events in the first page of a real server. See `_send_first_position`."""


async def read(call: Call) -> None:
    """Answer a Read."""
    request = await call.request()
    if not call.node.access.may(call.user, Permission.READ, read_source(request)):
        raise access_denied()
    options = read_options(request, call.node.strictness)
    if options.count is not None or not _is_from_end(options):
        _check_leadership(call, is_subscription=options.count is None)
    if options.wanted is not None and options.wanted.index_name is not None:
        raise index_not_found(options.wanted.index_name)
    match options.stream, options.count:
        case (None, None):
            await _subscribe_to_log(call, options)
        case (None, int(count)):
            await _send_pages(call, _pages_of_log(call, options), count)
        case (str(name), None):
            await _subscribe_to_stream(call, name, options)
        case (str(name), int(count)):
            await _read_stream(call, name, count, options)


def _check_leadership(call: Call, *, is_subscription: bool) -> None:
    """Check that the node serves a read. As on a real server, a subscription is confirmed before it is refused."""
    try:
        check_leadership(call, Demand.READ)
    except CallError as refused:
        if is_subscription and refused.status.code is not StatusCode.UNAVAILABLE:
            call.write(confirmation_message())
        raise


def _is_from_end(options: ReadOptions) -> bool:
    """Return whether the request is a subscription from the end, which every node serves."""
    return options.number == -1 or options.position == LAST_POSITION


async def _send_pages(call: Call, source: PagedSource, count: int) -> None:
    """Send up to `count` events."""
    while count > 0:
        page = source.page(min(PAGE, count))
        count -= len(page.messages)
        if page.messages:
            call.write(joined(page.messages))
        if page.is_end:
            break
        await call.drained()


# A stream -----------------------------------------------------------------------------------------


async def _read_stream(call: Call, name: str, count: int, options: ReadOptions) -> None:
    is_forward = options.direction is StreamDirection.FORWARD
    start = 0 if options.number is None else options.number
    if start < 0 and is_forward:
        raise _stream_error("fromEventNumber should be non negative. (Parameter 'fromEventNumber')")
    if count == 0:
        raise _stream_error("maxCount should be positive. (Parameter 'maxCount')")
    number = MAX_EVENT_NUMBER if start < 0 else start
    source = StreamPages(call.node.store.read, _encoder(call, options), name, number, options.direction)
    page = source.page(min(PAGE, count))
    if source.stream is None:
        call.reply(ReadResponse(stream_not_found={"stream_identifier": {"stream_name": name.encode()}}))
        return
    while source.first_found is None and not page.is_end:
        await call.drained()
        page = source.page(min(PAGE, count))
    if options.has_stream_positions and is_forward:
        _send_first_position(call, source, number, min(count, _FIRST_PAGE))
    if page.messages:
        call.write(joined(page.messages))
    if not page.is_end:
        await call.drained()
        await _send_pages(call, source, count - len(page.messages))
    if options.has_stream_positions and source.stream is not None:
        call.reply(ReadResponse(last_stream_position=source.stream.last))


def _send_first_position(call: Call, source: StreamPages, start: int, count: int) -> None:
    """Send the number of the first readable event, if the first page of a real server would contain no event."""
    stream, found = source.stream, source.first_found
    if stream is None or start > stream.last:
        return
    if found is None or found >= start + count:
        call.reply(ReadResponse(first_stream_position=stream.last + 1 if found is None else found))


async def _subscribe_to_stream(call: Call, name: str, options: ReadOptions) -> None:
    read = call.node.store.read
    after = options.number
    if after == -1:
        found = read.stream(name)
        after = None if found is None else found.last
    start = 0 if after is None else after + 1
    source = StreamPages(read, _encoder(call, options), name, start, StreamDirection.FORWARD)

    def at_end() -> Sequence[bytes]:
        return [caught_up_in_stream(after if source.last_found is None else source.last_found)]

    await _subscribe(call, name, source, at_end)


# The log ------------------------------------------------------------------------------------------


def _pages_of_log(call: Call, options: ReadOptions) -> PagedSource:
    """Return the source of a read of the log that is not a subscription.

    Raises:
        CallError: The position or the count cannot be used.
    """
    read, direction = call.node.store.read, options.direction
    if options.count == 0:
        raise invalid_argument("The count of a read must be at least 1, got 0.")
    end = read.log().end
    match options.position:
        case None:
            offset = 0
        case Position() as position if position == LAST_POSITION:
            offset = end
        case position:
            is_past = direction is StreamDirection.BACKWARD and position.commit > end
            if is_past or read.is_inside_record(position.commit, direction):
                kind = "ReadAll" if options.wanted is None else "FilteredReadAll"
                what = "Error" if is_past else "InvalidPosition"
                raise plain_error(StatusCode.UNKNOWN, f"Unexpected {kind}Result: {what}")
            offset = read.offset(position)
    encoder = _log_encoder(call, options)
    if options.wanted is None:
        return AllPages(read, encoder, offset, direction)
    return FilteredPages(read, encoder, offset, direction, options.wanted.events)


async def _subscribe_to_log(call: Call, options: ReadOptions) -> None:
    read, wanted, after = call.node.store.read, options.wanted, options.position
    if wanted is not None and wanted.multiplier == 0:
        raise handler_failed("The multiplier of the checkpoint interval must be at least 1, got 0.")
    offset = _offset_after(call, after)
    encoder, forward = _log_encoder(call, options), StreamDirection.FORWARD
    last = read.log().last_commit
    start = after
    if after == LAST_POSITION:
        start = None if last < 0 else Position(last, last)
    source: AllPages | CheckpointedPages
    if wanted is None:
        source = AllPages(read, encoder, offset, forward)
    else:
        interval = wanted.window * wanted.multiplier
        source = CheckpointedPages(read, encoder, offset, wanted.events, wanted.window, interval, start)

    def at_end() -> Sequence[bytes]:
        checkpoint = source.last_checkpoint() if isinstance(source, CheckpointedPages) else ()
        return [*checkpoint, caught_up_in_log(source.position or start)]

    await _subscribe(call, EVERYTHING, source, at_end)


def _offset_after(call: Call, after: Position | None) -> int:
    """Return the offset at which a subscription starts.

    Raises:
        CallError: The position is inside a record. As on a real server, the subscription is confirmed before.
    """
    read = call.node.store.read
    if after is None:
        return 0
    log = read.log()
    if after == LAST_POSITION:
        return log.end
    if after.commit > log.last_commit:
        return min(after.commit + (after.prepare == after.commit), MAX_EVENT_NUMBER)
    if read.is_inside_record(after.commit, StreamDirection.FORWARD):
        call.write(confirmation_message())
        raise invalid_argument("Trying to read from an invalid position.")
    return offset_behind(read, after, StreamDirection.FORWARD)


# Shared ----------------------------------------------------------------------------------------------------


async def _subscribe(call: Call, stream: str, source: PageSource, at_end: Callable[[], Sequence[bytes]]) -> None:
    name = stream or ALL_STREAM

    def may_read() -> bool:
        return call.node.access.may(call.user, Permission.READ, name)

    await Subscription(call, stream, source, at_end, may_read).run()


def _encoder(call: Call, options: ReadOptions) -> EventEncoder:
    return EventEncoder(options.ids, call.node.store.read, resolve_links=options.resolve_links)


def _log_encoder(call: Call, options: ReadOptions) -> LogEncoder:
    return LogEncoder(options.ids, call.node.store.read, resolve_links=options.resolve_links)


def _stream_error(reason: str) -> Exception:
    return plain_error(StatusCode.UNKNOWN, f"Unexpected ReadStreamResult: Error >> {reason}")
