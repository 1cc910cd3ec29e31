"""`/api/groups`: consumer groups, their parked events, and the requests that replay or clear these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

import reactivex
from reactivex import Observable
from reactivex import operators as rx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump.client import Client
from rxpump.client.group_streams import group_in_streams, groups_in_streams
from rxpump.errors import EventNotFound, InvalidArgument, NotJson, NotSupported, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.group_details import GroupDetails
from rxpump.model.positions import Edge, Position, position_text
from rxpump.model.system_names import group_id, parked_stream
from rxpump.ui.budget import within_bytes
from rxpump.ui.context import Context
from rxpump.ui.event_json import event_values, time_of
from rxpump.ui.replies import JsonReply, refusal
from rxpump.ui.request_body import json_object
from rxpump.ui.request_values import name_in, number_in, whole_number

SHOWN_PARKED: Final = 100
MOST_PARKED: Final = 1000
PARKED_BYTES: Final = 32 * 1024 * 1024

_PATH: Final = "/api/groups/{stream}/{group}"
_DONE: Final = {"done": True}


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""
    client = context.client

    async def every(_request: Request) -> Response:
        return JsonReply(await all_groups(client).pipe(rx.map(group_values), rx.to_list()))

    async def one(request: Request) -> Response:
        return JsonReply(group_values(await find_group(client, *_names(request))))

    async def parked(request: Request) -> Response:
        count = number_in(request, "count", SHOWN_PARKED, least=1, most=MOST_PARKED)
        return JsonReply(await parked_events(client, *_names(request), count).pipe(rx.to_list()))

    async def replay(request: Request) -> Response:
        stream, group = _names(request)
        await client.replay_parked(group, stream, limit=(await json_object(request)).get("limit"))
        return JsonReply(_DONE)

    async def retry(request: Request) -> Response:
        number = whole_number(request.path_params["number"])
        if number is None:
            raise InvalidArgument("number", request.path_params["number"], "the number of a parked event")
        return await _retry(client, *_names(request), number)

    async def clear(request: Request) -> Response:
        await _clear(client, *_names(request))
        return JsonReply(_DONE)

    return [
        Route("/api/groups", every),
        Route(_PATH, one),
        Route(f"{_PATH}/parked", parked),
        Route(f"{_PATH}/replay", replay, methods=["POST"]),
        Route(f"{_PATH}/retry/{{number}}", retry, methods=["POST"]),
        Route(f"{_PATH}/clear", clear, methods=["POST"]),
    ]


def _names(request: Request) -> tuple[str, str]:
    return name_in(request, "stream"), name_in(request, "group")


# Groups -----------------------------------------------------------------------------------------------


def all_groups(client: Client) -> Observable[GroupDetails]:
    """Return an Observable of all groups. Over TCP they are read from the streams of the server."""
    try:
        return client.list_subscriptions().pipe(rx.flat_map(_each))
    except NotSupported:
        return groups_in_streams(client)


def _each(groups: Iterable[GroupDetails]) -> Observable[GroupDetails]:
    return reactivex.from_iterable(groups)


async def find_group(client: Client, stream: str, group: str) -> GroupDetails:
    """Return one group.

    Raises:
        PersistentSubscriptionNotFound: There is no such group.
    """
    try:
        return await client.subscription_details(group, stream)
    except NotSupported:
        return await group_in_streams(client, stream, group)


def group_values(details: GroupDetails) -> dict[str, Any]:
    """Return a group as plain values. Values that the protocol does not send are None.

    A group that was read from the streams of the server has no status, no consumers and no buffers.
    """
    known = bool(details.status)
    running: dict[str, Any] = {
        "consumers": [asdict(consumer) for consumer in details.consumers],
        "in_flight": details.in_flight,
        "read_buffer": details.read_buffer,
        "live_buffer": details.live_buffer,
        "retry_buffer": details.retry_buffer,
        "total_events": details.total_events,
        "events_per_second": details.events_per_second,
    }
    return {
        "stream": details.stream,
        "group": details.group,
        "status": details.status or None,
        "settings": {name: _plain(value) for name, value in asdict(details.settings).items()},
        "last_checkpoint": details.last_checkpoint or None,
        "last_known": details.last_known or None,
        "lag": details.lag,
        "parked": details.parked,
        **(running if known else dict.fromkeys(running)),
    }


def _plain(value: object) -> object:
    match value:
        case Edge():
            return value.value
        case Position():
            return position_text(value)
        case str():
            return str(value)
        case _:
            return value


# Parked events ----------------------------------------------------------------------------------------


def parked_events(client: Client, stream: str, group: str, count: int) -> Observable[dict[str, Any]]:
    """Return an Observable of the parked events of a group, the oldest first, each with the reason.

    Args:
        client: Client of the store.
        stream: Name of the stream of the group.
        group: Name of the group.
        count: Largest number of events.
    """
    return client.iter(parked_stream(group_id(stream, group))).pipe(
        rx.catch(_none_if_not_found),
        rx.take(count),
        within_bytes(PARKED_BYTES),
        rx.map(parked_values),
    )


def parked_values(event: Event) -> dict[str, Any]:
    """Return a parked event as plain values: the event, its number among the parked ones, the time and the reason."""
    link = event.received
    try:
        metadata = link.json_metadata()
    except NotJson:
        metadata = None
    reason = metadata.get("reason") if isinstance(metadata, dict) else None
    return {
        **event_values(event),
        "parked_number": link.number,
        "parked_time": time_of(link),
        "reason": reason if isinstance(reason, str) else None,
    }


def _none_if_not_found(error: Exception, _source: Observable[Event]) -> Observable[Event]:
    return reactivex.empty() if isinstance(error, StreamNotFound) else reactivex.throw(error)


async def _retry(client: Client, stream: str, group: str, number: int) -> Response:
    """Replay one parked event. Servers replay from the oldest on, so only that one can be replayed alone."""
    oldest = await client.iter(parked_stream(group_id(stream, group)), resolve_links=False).pipe(
        rx.catch(_none_if_not_found),
        rx.take(2),
        rx.map(lambda event: event.number),
        rx.to_list(),
    )
    if number not in oldest[:1]:
        message = (
            "servers replay parked events from the oldest on, so only the oldest can be retried alone; "
            "retry the events before it first, or replay all"
        )
        return refusal(409, "NotOldest", message, oldest=oldest[0] if oldest else None)
    await client.replay_parked(group, stream, limit=None if len(oldest) == 1 else 1)
    return JsonReply(_DONE)


async def _clear(client: Client, stream: str, group: str) -> None:
    """Remove the parked events of a group.

    Where the protocol has no request for it, the stream of the parked events is truncated, as servers do it after a
    replay.
    """
    try:
        await client.truncate_parked(group, stream)
    except NotSupported:
        await _truncate(client, parked_stream(group_id(stream, group)))


async def _truncate(client: Client, parked: str) -> None:
    try:
        last = await client.get_event(parked, resolve_links=False)
    except (StreamNotFound, EventNotFound):
        return
    await client.set_metadata(parked, truncate_before=last.number + 1)
