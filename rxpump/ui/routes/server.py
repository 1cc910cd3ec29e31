"""`/api/server`: the server and the page's own connection to it; `/api/server/live`: measurements each second.

`/api/status` is the state of that connection alone. It needs no request to the server, so it is also known while the
server does not reply.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from math import isfinite
from operator import itemgetter
from typing import Any, Final, NamedTuple

import reactivex
from reactivex import Observable
from reactivex import operators as rx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump import operators as ops
from rxpump.client import Client
from rxpump.discovery.member import Member
from rxpump.errors import NotSupported, RxPumpError
from rxpump.model.events import Event
from rxpump.model.positions import END, position_text
from rxpump.model.status import Status
from rxpump.ui.connection_states import discovered_nodes, state_values, states
from rxpump.ui.context import Context
from rxpump.ui.replies import JsonReply
from rxpump.ui.routes.info import server_version
from rxpump.ui.schedulers import event_loop_scheduler
from rxpump.ui.server_sent_events import ServerSentEvents, message

SAMPLE_SECONDS: Final = 1.0
REQUEST_SECONDS: Final = 2.0
"""Deadline of each request of a sample, so that samples go on while the server does not reply."""


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""
    client = context.client

    async def server(_request: Request) -> Response:
        status: Status = await client.status.pipe(rx.first())
        return JsonReply(
            {
                "protocol": context.protocol,
                "uri": context.address,
                "version": await server_version(client),
                "status": state_values(status),
                "members": await members(context),
            }
        )

    async def live(_request: Request) -> Response:
        measured = samples(client).pipe(rx.map(partial(message, "sample")))
        return ServerSentEvents(measured.pipe(rx.merge(states(client))), context.stopping)

    async def status(_request: Request) -> Response:
        return JsonReply(state_values(await client.status.pipe(rx.first())))

    return [Route("/api/server", server), Route("/api/server/live", live), Route("/api/status", status)]


async def members(context: Context) -> list[dict[str, Any]]:
    """Return the members of the cluster: those that the server names, or those of the last discovery."""
    try:
        return [_member_values(member) for member in await context.client.members(timeout=REQUEST_SECONDS)]
    except NotSupported:
        discovered = context.discovered.value
        return [] if discovered is None else discovered_nodes(discovered)
    except RxPumpError:
        return []


def _member_values(member: Member) -> dict[str, Any]:
    return {
        "address": str(member.external_http),
        "state": str(member.state),
        "is_alive": member.is_alive,
        "version": member.version,
        "epoch": member.epoch if member.epoch >= 0 else None,
        "written": member.written if member.written >= 0 else None,
    }


class Written(NamedTuple):
    """Events that were written since a browser opened the view.

    Attributes:
        events: Number of events.
        bytes: Bytes of their data and metadata.
        position: Position of the last one; None if there is none yet.
    """

    events: int = 0
    bytes: int = 0
    position: str | None = None

    def plus(self, event: Event) -> Written:
        """Return the numbers with one more event."""
        size = len(event.data) + len(event.metadata)
        return Written(self.events + 1, self.bytes + size, position_text(event.position))


def samples(client: Client) -> Observable[dict[str, Any]]:
    """Return an Observable of measurements, about one in a second.

    A measurement has the number and the bytes of the events that were written since the view was opened, the
    round-trip time, and the statistics of the server if the protocol has any.
    """
    ticks = reactivex.timer(0.0, SAMPLE_SECONDS, scheduler=event_loop_scheduler())
    return ticks.pipe(
        rx.with_latest_from(_written(client)),
        rx.map(itemgetter(1)),
        ops.exhaust_map_async(partial(_sample, client)),
    )


UNKNOWN: Final = Written(-1, -1)
"""Stands for the events that are written if the user may not subscribe to `$all`."""


def _written(client: Client) -> Observable[Written]:
    """Return an Observable of the number of events that were written, which changes with each event."""
    unknown = reactivex.just(UNKNOWN)
    return client.stream_all(END, resolve_links=False).pipe(
        rx.scan(Written.plus, Written()), rx.start_with(Written()), rx.catch(unknown)
    )


async def _sample(client: Client, written: Written) -> dict[str, Any]:
    return {
        "time": datetime.now(UTC).isoformat(),
        "written": None if written == UNKNOWN else written._asdict(),
        "round_trip_ms": await _round_trip_ms(client),
        "statistics": await _statistics(client),
    }


async def _round_trip_ms(client: Client) -> float | None:
    try:
        return round(await client.ping(timeout=REQUEST_SECONDS) * 1000, 3)
    except RxPumpError:
        return None


async def _statistics(client: Client) -> dict[str, float | str] | None:
    """Return the statistics of the server by name; None if there are none now."""
    try:
        statistics = await client.statistics(timeout=REQUEST_SECONDS)
    except RxPumpError:
        return None
    return {name: _number_or_text(value) for name, value in statistics.items()}


def _number_or_text(text: str) -> float | str:
    """Return a finite number, or the text if it is none."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if isfinite(number) else text
