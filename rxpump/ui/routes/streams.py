"""`/api/streams`: the streams that were written to lately, and those whose names begin with a prefix.

A backward read of `$all` returns the last event of each stream first. `distinct` keeps this event of each stream:

    $all, backward:  c4  a7  c3  b2  a6 ...  ──distinct(stream)──▶  c4  a7  b2 ...  ──map_async(row)──▶  rows
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import reactivex
from reactivex import Observable
from reactivex import operators as rx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump import operators as ops
from rxpump.client import Client
from rxpump.errors import AccessDenied, EventNotFound, InvalidArgument, MalformedReply, StreamDeleted, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import StreamDirection
from rxpump.model.system_names import SYSTEM_PREFIX
from rxpump.operators.machinery.stage import Operator
from rxpump.ui.budget import within_bytes
from rxpump.ui.context import Context
from rxpump.ui.replies import JsonReply
from rxpump.ui.request_values import flag_in, number_in
from rxpump.ui.schedulers import event_loop_scheduler
from rxpump.ui.stream_ends import LIVE, Ends, estimate_ends

SHOWN_STREAMS: Final = 100
MOST_STREAMS: Final = 1000
TAIL_EVENTS: Final = 5_000
"""Number of events of `$all` that are read to find the streams that were written to lately."""

TAIL_BYTES: Final = 64 * 1024 * 1024
SEARCH_SECONDS: Final = 3.0
"""Time after which a search for a prefix ends with the streams that it has found."""

_AT_ONCE: Final = 8
_BACKWARD: Final = StreamDirection.BACKWARD


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The last event of a stream, without the page that it was read with."""

    stream: str
    number: int
    type: str
    created: datetime | None

    @classmethod
    def of(cls, event: Event) -> LastEvent:
        """Return the values of an event."""
        try:
            created = event.created
        except MalformedReply:
            created = None
        return cls(event.stream, event.number, event.type, created)


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""
    client = context.client

    async def recent(request: Request) -> Response:
        prefix, with_system = request.query_params.get("prefix", ""), flag_in(request, "system")
        limit = number_in(request, "limit", SHOWN_STREAMS, least=1, most=MOST_STREAMS)
        found = recent_streams(client, prefix, with_system=with_system, limit=limit)
        return JsonReply(await found.pipe(rx.to_list()))

    async def search(request: Request) -> Response:
        limit = number_in(request, "limit", SHOWN_STREAMS, least=1, most=MOST_STREAMS)
        found = matching_streams(client, request.query_params.get("prefix", ""), limit=limit)
        return JsonReply(await found.pipe(rx.to_list()))

    return [Route("/api/streams", recent), Route("/api/streams/search", search)]


def recent_streams(
    client: Client, prefix: str = "", *, with_system: bool = False, limit: int = SHOWN_STREAMS
) -> Observable[dict[str, Any]]:
    """Return an Observable of the streams in the tail of `$all`, the one that was written last is the first.

    Args:
        client: Client of the store.
        prefix: Prefix of the names of the streams.
        with_system: Whether streams whose names begin with `$` are included.
        limit: Largest number of streams.
    """

    def is_shown(event: Event) -> bool:
        stream = event.stream
        return stream.startswith(prefix) and (with_system or not stream.startswith(SYSTEM_PREFIX))

    return client.iter_all(direction=_BACKWARD, resolve_links=False).pipe(
        rx.take(TAIL_EVENTS),
        within_bytes(TAIL_BYTES),
        rx.filter(is_shown),
        _described(client, limit),
    )


def matching_streams(client: Client, prefix: str, *, limit: int = SHOWN_STREAMS) -> Observable[dict[str, Any]]:
    """Return an Observable of the stream with a name, and of those whose names begin with it.

    The server searches its log backward. The search ends at the first event, at the limit, or after SEARCH_SECONDS.

    Raises:
        InvalidArgument: The prefix is empty.
    """
    if not prefix:
        raise InvalidArgument("prefix", prefix, "a name of a stream, or the beginning of one")
    exact: Observable[Event] = client.get_event(prefix, resolve_links=False).pipe(rx.catch(_none_if_unreadable))
    by_prefix = client.iter_all(direction=_BACKWARD, resolve_links=False, where=EventFilter(stream_prefix=prefix))
    return exact.pipe(
        rx.concat(by_prefix.pipe(rx.take_until_with_time(SEARCH_SECONDS, scheduler=event_loop_scheduler()))),
        _described(client, limit),
    )


def _described(client: Client, limit: int) -> Operator[Event, dict[str, Any]]:
    """Return an operator from events to the rows of their streams, each once."""

    def operator(events: Observable[Event]) -> Observable[dict[str, Any]]:
        return events.pipe(
            rx.distinct(_stream_of),
            rx.take(limit),
            rx.map(LastEvent.of),
            ops.map_async(partial(_row, client), max_concurrent=_AT_ONCE),
        )

    return operator


def _stream_of(event: Event) -> str:
    return event.stream


async def _row(client: Client, last: LastEvent) -> dict[str, Any]:
    try:
        ends, is_readable = await estimate_ends(client, last.stream, last.number), True
    except AccessDenied:
        ends, is_readable = Ends(LIVE, last=last.number), False
    age = None if last.created is None else max(0.0, (datetime.now(UTC) - last.created).total_seconds())
    return {
        "stream": last.stream,
        "state": ends.state,
        "events": ends.events if is_readable else None,
        "first_number": ends.first,
        "last_number": ends.last,
        "last_type": last.type,
        "last_time": None if last.created is None else last.created.isoformat(),
        "last_age_seconds": age,
    }


def _none_if_unreadable(error: Exception, _source: Observable[Event]) -> Observable[Event]:
    is_expected = isinstance(error, (StreamNotFound, StreamDeleted, EventNotFound, AccessDenied, InvalidArgument))
    return reactivex.empty() if is_expected else reactivex.throw(error)
