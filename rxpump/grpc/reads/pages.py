"""Read single events and pages, each by one call with a maximum count.

The protocol has no pages. A response ends after the requested number of events, or at the end of the stream.
"""

from __future__ import annotations

from collections.abc import Sequence

from rxpump.errors import AccessDenied, EventNotFound, StreamNotFound
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls import read
from rxpump.grpc.calls.read import StreamMarks, after_commit
from rxpump.grpc.calls.server_filter import server_filter
from rxpump.grpc.reads.log_places import place_between, place_of, read_log
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import (
    END,
    FIRST_POSITION,
    LAST_POSITION,
    START,
    Edge,
    Position,
    StreamDirection,
)
from rxpump.model.system_names import METADATA_PREFIX

_BACKWARD = StreamDirection.BACKWARD


async def read_event(caller: Caller, stream: str, number: int | Edge, *, resolve_links: bool) -> Event:
    """Read one event; see `Transport.read_event`."""
    if number is START:
        number = 0
    try:
        events, _ = await _read_stream(caller, stream, number, 1, _BACKWARD, resolve_links=resolve_links)
    except StreamNotFound:
        if not await _is_of_a_stream(caller, stream):
            raise
        events = ()
    if events and number in (END, events[0].received_number):
        return events[0]
    raise EventNotFound(stream, -1 if isinstance(number, Edge) else number)


async def _is_of_a_stream(caller: Caller, metastream: str) -> bool:
    """Return whether a stream that does not exist would contain the metadata of a stream that exists.

    Over TCP, such a stream is regarded as empty (docs/protocol/tcp.md, section 4.6).
    """
    if not metastream.startswith(METADATA_PREFIX):
        return False
    try:
        await find_last_number(caller, metastream.removeprefix(METADATA_PREFIX))
    except StreamNotFound:
        return False
    except AccessDenied:
        return True
    return True


async def read_stream_page(
    caller: Caller, stream: str, start: int | Edge, max_count: int, direction: StreamDirection, *, resolve_links: bool
) -> StreamPage:
    """Read a page of a stream; see `Transport.read_stream_page`.

    The server counts events. It skips numbers without an event, which are before the first event that can be read and
    after the last event. So a page that starts at such a number is as full as any other page.
    """
    events, marks = await _read_stream(caller, stream, start, max_count, direction, resolve_links=resolve_links)
    number, is_end = _continuation(0 if start is START else start, max_count, direction, events, marks)
    return StreamPage(
        events,
        stream=stream,
        next_event_number=number,
        last_event_number=marks.last,
        is_end_of_stream=is_end,
    )


def _continuation(
    start: int | Edge, max_count: int, direction: StreamDirection, events: Sequence[Event], marks: StreamMarks
) -> tuple[int, bool]:
    """Return the number at which the page after some events starts, and whether there is no such page.

    A response with fewer than `max_count` events has reached the end of the stream (backward: its first event).
    """
    is_short = len(events) < max_count
    if direction is _BACKWARD:
        is_end = is_short or events[-1].received_number == 0
        return -1 if is_end else events[-1].received_number - 1, is_end
    if not events:
        return (0 if isinstance(start, Edge) else start) if marks.last is None else marks.last + 1, True
    last = events[-1].received_number
    return last + 1, is_short or (marks.last is not None and last >= marks.last)


async def read_all_page(
    caller: Caller,
    start: Position | Edge,
    max_count: int,
    direction: StreamDirection,
    *,
    resolve_links: bool,
    where: EventFilter | None = None,
) -> AllPage:
    """Read a page of `$all`; see `Transport.read_all_page`.

    A response does not show whether there are more events. So a forward read requests one more event than the page
    has, and the next page starts before that event.
    """
    if direction is not _BACKWARD and start in (END, LAST_POSITION):
        last = await find_last_position(caller)
        end = FIRST_POSITION if last is None else after_commit(last)
        return AllPage((), position=end, next_position=end, is_last=True)
    is_forward = direction is StreamDirection.FORWARD
    events = await read_log(
        caller, start, max_count + is_forward, direction, resolve_links=resolve_links, where=where
    )
    has_more = len(events) > max_count
    following = events[max_count] if has_more else None
    events = events[:max_count] if has_more else events
    position = _position(start)
    page = AllPage(
        events,
        position=position,
        next_position=_next_position(position, direction, events, following),
        is_last=len(events) < max_count or (is_forward and not has_more),
    )
    return page if where is None else page.where(where.matches)


async def find_last_position(caller: Caller) -> Position | None:
    """Return the position of the last event of `$all`, None if there is none."""
    context = read.read_context(None)
    request = read.read_all(END, _BACKWARD, resolve_links=False, count=1)
    events, _ = read.counted(await caller.collect(context, [request]), context)
    return place_of(events[0]) if events else None


async def find_last_matching(caller: Caller, where: EventFilter, *, resolve_links: bool) -> Position | None:
    """Return the position of the last event of `$all` that matches a filter of the server; None if there is none."""
    context = read.read_context(None)
    filter = server_filter(where, resolve_links=resolve_links)
    request = read.read_all(END, _BACKWARD, resolve_links=resolve_links, count=1, filter=filter)
    found = await caller.collect(context, [request], is_search=filter is not None)
    events, _ = read.counted(found, context)
    return place_of(events[0]) if events else None


async def find_last_number(caller: Caller, stream: str) -> tuple[int | None, int | None]:
    """Return the number of the last event of a stream, and the number of the last event that can be read.

    Raises:
        StreamNotFound: The stream does not exist, or was soft-deleted.
        StreamDeleted: The stream was deleted permanently.
    """
    events, marks = await _read_stream(caller, stream, END, 1, _BACKWARD, resolve_links=False)
    readable = events[0].received_number if events else None
    return readable if marks.last is None else marks.last, readable


async def _read_stream(
    caller: Caller, stream: str, start: int | Edge, count: int, direction: StreamDirection, *, resolve_links: bool
) -> tuple[Sequence[Event], StreamMarks]:
    context = read.read_context(stream)
    request = read.read_stream(stream, start, direction, resolve_links=resolve_links, count=count)
    return read.counted(await caller.collect(context, [request]), context)


def _next_position(
    start: Position, direction: StreamDirection, events: Sequence[Event], following: Event | None
) -> Position:
    """Return the position at which the next page starts."""
    if following is not None:
        return place_between(events[-1] if events else None, following)
    if not events:
        return FIRST_POSITION if start == LAST_POSITION else start  # No event precedes the end of the log.
    last = place_of(events[-1])
    return last if direction is _BACKWARD else after_commit(last)


def _position(start: Position | Edge) -> Position:
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else LAST_POSITION
    return start
