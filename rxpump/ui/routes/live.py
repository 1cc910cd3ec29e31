"""`/api/live`: the events of a stream or of `$all` as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

from reactivex import Observable
from reactivex import operators as rx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump import operators as ops
from rxpump.client import Client
from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.positions import Edge, position_text
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Signal
from rxpump.ui.connection_states import states
from rxpump.ui.context import Context
from rxpump.ui.event_json import event_values
from rxpump.ui.replies import encode, error_values
from rxpump.ui.request_values import flag_in, texts_in
from rxpump.ui.selections import AllSelection, P, Selection, StreamSelection
from rxpump.ui.server_sent_events import ServerSentEvents, message, raw_message

EVENTS: Final = "events"
"""Name of the messages with events."""

BATCH_EVENTS: Final = 200
"""Largest number of events of one message."""

BATCH_SECONDS: Final = 0.05
"""Time for which the first event of a message waits for others."""

SHOWN_BYTES: Final = 16 * 1024
"""Largest number of bytes of data, and of metadata, of an event in a message, so that buffered messages are small."""

BUFFERED_EVENTS: Final = 256
"""Number of events that wait to be sent at which the subscription is paused."""


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""

    async def live(request: Request) -> Response:
        selection = _selection(request)
        last = request.headers.get("last-event-id")
        wanted = selection.parse(request.query_params.get("from", "end")) if last is None else selection.after(last)
        return ServerSentEvents(messages(context.client, selection, wanted), context.stopping)

    return [Route("/api/live", live)]


def _selection(request: Request) -> Selection[Any]:
    stream, types = request.query_params.get("stream"), texts_in(request, "types")
    if (not stream) != (request.query_params.get("all") == "1"):
        raise InvalidArgument("stream", stream, "either the name of a stream, or all=1")
    if stream:
        return StreamSelection(stream, types)
    return AllSelection(types, texts_in(request, "prefixes"), flag_in(request, "system", True))


def messages(client: Client, selection: Selection[P], wanted: P | Edge) -> Observable[bytes]:
    """Return the messages for a browser: batches of events, signals, and changes of the connection.

    Args:
        client: Client of the store.
        selection: Events that the browser has requested.
        wanted: Place of the first event, START or END.
    """
    news = selection.find_place(client, wanted).pipe(rx.flat_map(partial(_news, client, selection)))
    return states(client).pipe(rx.merge(news))


def _news(client: Client, selection: Selection[P], place: P) -> Observable[bytes]:
    """Return the messages with the place, then with the events from there on and the signals between them."""
    return selection.follow(client, place).pipe(
        ops.with_signals(),
        rx.filter(selection.matches),
        rx.map(partial(_part, selection)),
        ops.batch(BATCH_EVENTS, max_time=BATCH_SECONDS, high=BUFFERED_EVENTS),
        rx.map(_joined),
        rx.start_with(_checkpoint(selection.text_before(place))),
    )


def _checkpoint(text: str) -> bytes:
    return message("checkpoint", {"place": text}, id=text)


class Part(NamedTuple):
    """An event or a signal as a part of a message.

    Attributes:
        name: Name of the message.
        data: JSON of one event, or of the whole message.
        id: Place from which the browser resumes after it; None for a signal without a place.
    """

    name: str
    data: bytes
    id: str | None = None


def _part(selection: Selection[Any], item: Event | Signal) -> Part:
    match item:
        case Event():
            return Part(EVENTS, encode(event_values(item, limit=SHOWN_BYTES)), selection.text_of(item))
        case Examined():
            text = position_text(item.position)
            return Part("checkpoint", encode({"place": text}), text)
        case CaughtUp():
            return Part("caught_up", b"{}")
        case FellBehind():
            return Part("fell_behind", encode({"reason": error_values(item.reason)}))
        case _:
            return Part("reconnected", b"{}")


def _joined(parts: Sequence[Part]) -> bytes:
    """Return the text of the messages of a batch: one for each run of events, and one for each signal."""
    return b"".join(_texts(parts))


def _texts(parts: Sequence[Part]) -> Iterator[bytes]:
    for name, run in groupby(parts, key=attrgetter("name")):
        if name == EVENTS:
            events = list(run)
            yield raw_message(name, b"[" + b",".join(event.data for event in events) + b"]", id=events[-1].id)
        else:
            for signal in run:
                yield raw_message(name, signal.data, id=signal.id)
