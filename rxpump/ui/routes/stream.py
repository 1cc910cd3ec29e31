"""`/api/stream/{name}`: the events of one stream, page by page; `/api/event/...`: one event with all of its data."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import reactivex
from reactivex import Observable
from reactivex import operators as rx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump.client import Client
from rxpump.errors import AccessDenied, InvalidArgument, StreamDeleted, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.metadata import MetadataResult
from rxpump.model.positions import END, START, Edge, Position, StreamDirection
from rxpump.model.system_names import METADATA_PREFIX
from rxpump.ui.budget import within_bytes
from rxpump.ui.context import Context
from rxpump.ui.event_json import content_values, event_values
from rxpump.ui.replies import JsonReply
from rxpump.ui.request_values import name_in, number_in, place, whole_number
from rxpump.ui.stream_ends import DELETED, LIVE, Ends, find_ends

SHOWN_EVENTS: Final = 50
MOST_EVENTS: Final = 500
PAGE_BYTES: Final = 32 * 1024 * 1024
"""Bytes of events after which a page ends, because events can have up to 16 MiB."""

_DIRECTIONS: Final = {each.value: each for each in StreamDirection}


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""
    client = context.client

    async def stream(request: Request) -> Response:
        name, count = name_in(request), number_in(request, "count", SHOWN_EVENTS, least=1, most=MOST_EVENTS)
        direction = _direction(request.query_params.get("direction", "backward"))
        start = request.query_params.get("from")
        return JsonReply(await stream_page(client, name, _start(start, direction), direction, count))

    async def event(request: Request) -> Response:
        name, number = name_in(request), whole_number(request.path_params["number"])
        if number is None:
            raise InvalidArgument("number", request.path_params["number"], "the number of an event")
        found = await client.get_event(name, number)
        return JsonReply(await asyncio.to_thread(event_values, found, limit=None))

    return [Route("/api/stream/{stream}", stream), Route("/api/event/{stream}/{number}", event)]


def _direction(text: str) -> StreamDirection:
    if text not in _DIRECTIONS:
        raise InvalidArgument("direction", text, " or ".join(_DIRECTIONS))
    return _DIRECTIONS[text]


def _start(text: str | None, direction: StreamDirection) -> int | Edge:
    if text is None:
        return END if direction is StreamDirection.BACKWARD else START
    start = place(text)
    if isinstance(start, Position):
        raise InvalidArgument("from", text, "the number of an event, start or end")
    return start


async def stream_page(
    client: Client, stream: str, start: int | Edge, direction: StreamDirection, count: int
) -> dict[str, Any]:
    """Return a page of a stream, with the state of the stream.

    Args:
        client: Client of the store.
        stream: Name of the stream.
        start: Number of the first event of the page, or START or END.
        direction: Order of the events.
        count: Largest number of events.

    Raises:
        StreamNotFound: The stream was never written and has no metadata.
        AccessDenied: The user may not read the stream.
    """
    ends, metadata = await find_ends(client, stream), await _metadata(client, stream)
    if ends.state == DELETED and not (metadata is not None and metadata.metadata.is_soft_deleted):
        if metadata is None or metadata.version < 0:
            raise StreamNotFound(stream)
        ends = Ends(LIVE)  # Only its metadata was written.
    events = await _events(client, stream, ends, start, direction, count).pipe(rx.to_list())
    following = _next(events, ends, direction)
    limit = None if metadata is None or metadata.metadata.is_soft_deleted else metadata.metadata.truncate_before
    return {
        "stream": stream,
        "state": ends.state,
        "first_number": ends.first,
        "last_number": ends.last,
        "truncated_before": limit,
        "metadata": None if metadata is None else metadata_values(metadata),
        "events": [event_values(event) for event in events],
        "next": following,
        "is_end": following is None,
    }


def _events(
    client: Client, stream: str, ends: Ends, start: int | Edge, direction: StreamDirection, count: int
) -> Observable[Event]:
    """Return an Observable of the events of a page. A stream without events is not read."""
    if ends.first is None or ends.last is None:
        return reactivex.empty()
    first = {START: ends.first, END: ends.last}[start] if isinstance(start, Edge) else start
    if direction is StreamDirection.BACKWARD:
        first = min(first, ends.last)
    return client.iter(stream, direction=direction, from_event=first, batch_size=count).pipe(
        rx.take(count), within_bytes(PAGE_BYTES)
    )


def _next(events: list[Event], ends: Ends, direction: StreamDirection) -> int | None:
    """Return the number of the first event of the next page; None if this is the last page."""
    if not events or ends.first is None or ends.last is None:
        return None
    last = events[-1].received_number
    if direction is StreamDirection.BACKWARD:
        return last - 1 if last > ends.first else None
    return last + 1 if last < ends.last else None


async def _metadata(client: Client, stream: str) -> MetadataResult | None:
    """Return the metadata of a stream; None if it can have none, or the user may not read them."""
    if stream.startswith(METADATA_PREFIX):
        return None
    try:
        return await client.get_metadata(stream)
    except (AccessDenied, StreamDeleted):
        return None


def metadata_values(result: MetadataResult) -> dict[str, Any]:
    """Return the metadata of a stream as plain values: the limits, the version, and the content as it was written."""
    metadata = result.metadata
    return {
        "version": result.version,
        "max_count": metadata.max_count,
        "max_age": metadata.max_age,
        "truncate_before": metadata.truncate_before,
        "cache_control": metadata.cache_control,
        "content": content_values(result.raw, is_json=True),
    }
