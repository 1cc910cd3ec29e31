"""`/api/correlation/{id}`: the events that belong together, because their metadata have the same id.

Only servers with a projection for it have a stream of each correlation, so the tail of `$all` is searched:

    $all, backward:  e9  e8  e7  e6 ...  ──take──▶  ──filter(id, correlation or cause)──▶  e8  e6 ...
"""

from __future__ import annotations

from typing import Any, Final

from reactivex import operators as rx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump.client import Client
from rxpump.model.events import Event
from rxpump.model.positions import StreamDirection
from rxpump.model.system_names import LINK_EVENT_TYPE
from rxpump.ui.budget import within_bytes
from rxpump.ui.context import Context
from rxpump.ui.event_json import causes_of, event_values, id_of
from rxpump.ui.replies import JsonReply
from rxpump.ui.request_values import name_in

SEARCHED_EVENTS: Final = 20_000
SEARCHED_BYTES: Final = 64 * 1024 * 1024
SHOWN_EVENTS: Final = 100


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""

    async def correlation(request: Request) -> Response:
        return JsonReply(await correlated(context.client, name_in(request, "id")))

    return [Route("/api/correlation/{id}", correlation)]


async def correlated(client: Client, id: str) -> dict[str, Any]:
    """Return the events with an id, and those that have it as their correlation or cause, the newest first.

    Args:
        client: Client of the store.
        id: Id of an event, or a text that `$correlationId` or `$causationId` of the metadata have.

    Returns:
        `events`, at most SHOWN_EVENTS, and `examined`, the number of events that were searched.
    """
    examined = 0

    def count(_event: Event) -> None:
        nonlocal examined
        examined += 1

    def belongs(event: Event) -> bool:
        return event.type != LINK_EVENT_TYPE and (id == id_of(event) or id in causes_of(event).values())

    found = client.iter_all(direction=StreamDirection.BACKWARD, resolve_links=False).pipe(
        rx.take(SEARCHED_EVENTS),
        within_bytes(SEARCHED_BYTES),
        rx.do_action(count),
        rx.filter(belongs),
        rx.take(SHOWN_EVENTS),
        rx.map(event_values),
        rx.to_list(),
    )
    return {"events": await found, "examined": examined}
