"""Start reads and subscriptions of `$all` at positions that need not be those of an event.

A forward page ends between two events. Its next position must be after the events of the page and before all other
events, so that a read, a backward read and a subscription that start there neither repeat nor lose an event.

Servers do not read all such positions exactly. They start a backward read before the whole transaction whose event is
at the position. A server before version 24.2 that starts a subscription after a position leaves out the first event
that it finds there or later, even if that event is later (docs/protocol/grpc.md, section 5.1). So a request names the
position of an event that a read has just returned, and the client drops events on the wrong side of the start.
"""

from __future__ import annotations

from collections.abc import Sequence

from rxpump.errors import InvalidPosition, ReadFailed
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls import read
from rxpump.grpc.calls.server_filter import server_filter
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import END, FIRST_POSITION, LAST_POSITION, START, Edge, Position, StreamDirection

_FORWARD = StreamDirection.FORWARD
_BACKWARD = StreamDirection.BACKWARD


def place_of(event: Event) -> Position:
    """Return the position of an event, FIRST_POSITION if the server did not send it."""
    return event.position or FIRST_POSITION


def place_between(last: Event | None, following: Event) -> Position:
    """Return the position between two adjacent events of `$all`.

    Args:
        last: Last event of a page, None if the page has none.
        following: First event of the next page.
    """
    commit = place_of(following).commit
    if last is not None and place_of(last).commit == commit:  # Both events belong to one transaction.
        return Position(commit, place_of(last).prepare + 1)
    return Position(commit, 0)


def beyond(events: Sequence[Event], start: Position | Edge, direction: StreamDirection) -> Sequence[Event]:
    """Return those of some adjacent events that a read from `start` returns.

    Args:
        events: Events in the order of the read.
        start: Position at which the read starts; a forward read includes the event at this position.
        direction: Order of the events.
    """
    if isinstance(start, Edge) or start == LAST_POSITION or not events:
        return events
    is_forward = direction is _FORWARD
    if (place_of(events[0]) >= start) is is_forward:
        return events
    return [event for event in events if (place_of(event) >= start) is is_forward]


async def start_of_read(caller: Caller, start: Position | Edge, direction: StreamDirection) -> Position | Edge:
    """Return the position for the request of a read. The response can begin with events that `beyond` drops.

    Args:
        caller: Makes the calls.
        start: Position at which the read starts.
        direction: Direction of the read.
    """
    if direction is _FORWARD or isinstance(start, Edge) or start.prepare == start.commit or start.prepare == 0:
        return start
    following = await event_after_commit(caller, start)
    return END if following is None else Position(place_of(following).commit, 0)


async def read_log(
    caller: Caller,
    start: Position | Edge,
    count: int,
    direction: StreamDirection,
    *,
    resolve_links: bool = False,
    where: EventFilter | None = None,
) -> Sequence[Event]:
    """Read `count` events of `$all`, or all that there are. The filter is applied as far as the server does that."""
    context = read.read_context(None)
    filter = server_filter(where, resolve_links=resolve_links)
    place = await start_of_read(caller, start, direction)
    excess = int(direction is _FORWARD and isinstance(start, Position) and read.is_after_commit(start))
    while True:
        asked = count + excess
        request = read.read_all(place, direction, resolve_links=resolve_links, count=asked, filter=filter)
        messages = await caller.collect(context, [request], is_search=filter is not None)
        found, _ = read.counted(messages, context)
        events = beyond(found, start, direction)
        if len(events) >= count or len(found) < asked:
            return events[:count]
        excess = len(found) - len(events)  # The response began with these events, which are not beyond the start.


async def start_of_subscription(caller: Caller, after: Position, end: Position) -> Position | Edge:
    """Return the position of the last event up to `after`, for the request of a subscription to an old server.

    The subscription can begin with events that are not after `after`.

    Args:
        caller: Makes the calls.
        after: Position after which the subscription starts.
        end: Position of the last event of the log.

    Raises:
        InvalidPosition: The log has no record at `after`.
    """
    if after in (FIRST_POSITION, LAST_POSITION):
        return after
    try:
        before = await read_log(caller, after, 1, _BACKWARD)
    except ReadFailed as error:
        if after < end:
            raise InvalidPosition(error.stream, error.reason) from error
        return after  # The position is after the end of the log.
    return place_of(before[0]) if before else START


async def start_of_group(caller: Caller, start: int | Position | Edge) -> int | Position | Edge:
    """Return the start of a consumer group on `$all` for a request.

    If the start is the end of the log, the group begins with the last event of the log, because the position after it
    has no value. A group can deliver an event twice, but must not lose one.
    """
    if not isinstance(start, Position) or not read.is_after_commit(start):
        return start
    following = await event_after_commit(caller, start)
    return Position(start.prepare, start.prepare) if following is None else place_of(following)


async def event_after_commit(caller: Caller, position: Position) -> Event | None:
    """Return the first event that is committed after the event at a position; None if there is none."""
    commit = position.prepare if read.is_after_commit(position) else position.commit
    events = await read_log(caller, Position(commit, commit), 2, _FORWARD)
    return next((event for event in events if place_of(event).commit > commit), None)
