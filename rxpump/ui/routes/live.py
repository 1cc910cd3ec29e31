"""`/api/live`: the events of a stream or of `$all` as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from reactivex import Observable
from reactivex import operators as rx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump import operators as ops
from rxpump.client import Client
from rxpump.errors import InvalidArgument, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import FIRST_POSITION, START, Edge, Position, StreamDirection
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Signal
from rxpump.streams.catch_up import CatchUp
from rxpump.ui.connection_states import states
from rxpump.ui.context import Context
from rxpump.ui.event_json import event_values, position_text
from rxpump.ui.replies import encode, error_values
from rxpump.ui.request_values import place, texts_in
from rxpump.ui.server_sent_events import ServerSentEvents, message, raw_message

EVENTS: Final = "events"
"""Name of the messages with events."""

BEFORE_FIRST: Final = "none"
"""Place from which a browser resumes before the first event of a stream."""

BATCH_EVENTS: Final = 200
"""Largest number of events of one message."""

BATCH_SECONDS: Final = 0.05
"""Time for which the first event of a message waits for others."""

SHOWN_BYTES: Final = 16 * 1024
"""Largest number of bytes of data, and of metadata, of an event in a message, so that buffered messages are small."""

BUFFERED_EVENTS: Final = 256
"""Number of events that wait to be sent at which the subscription is paused."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The events that a browser wants to see.

    Attributes:
        stream: Name of a stream; None for `$all`.
        types: Types of the events; empty for all types.
        prefixes: Prefixes of the names of streams in `$all`; empty for all streams.
    """

    stream: str | None
    types: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()

    def follow(self, client: Client, start: int | Position) -> CatchUp:
        """Return the subscription that delivers the events.

        Args:
            client: Client of the store.
            start: Number of the first event of a stream, or position in `$all` after which the events are delivered.

        Raises:
            InvalidArgument: `start` is a position in a stream, or a number in `$all`.
        """
        if self.stream is None:
            if not isinstance(start, Position):
                raise InvalidArgument("from", start, "a position such as 120/120, start or end, for $all")
            # The links themselves, because servers compare the names of their streams and not those of the targets.
            return client.stream_all(start, resolve_links=False, where=self._filter())
        if isinstance(start, Position):
            raise InvalidArgument("from", position_text(start), "the number of an event, start or end, for a stream")
        return client.stream(self.stream, start)

    def matches(self, item: Event | Signal) -> bool:
        """Return whether an item of the subscription is shown. A stream is filtered by type here."""
        return self.stream is None or not self.types or not isinstance(item, Event) or item.type in self.types

    def place_of(self, event: Event) -> str | None:
        """Return the place of an event as the text from which a browser resumes after it."""
        return position_text(event.position) if self.stream is None else str(event.received_number)

    def resume_text(self, start: int | Position) -> str:
        """Return the place from which a browser resumes if no event has arrived since a start."""
        if isinstance(start, Position):
            return f"{start.commit}/{start.prepare}"
        return str(start - 1) if start else BEFORE_FIRST

    def after(self, last: str) -> int | Position | Edge:
        """Return the start of a subscription that resumes after the place of an event.

        Raises:
            InvalidArgument: It is not the text of a place.
        """
        if last == BEFORE_FIRST:
            return 0
        seen = place(last, "Last-Event-ID")
        return seen + 1 if isinstance(seen, int) else seen

    def _filter(self) -> EventFilter | None:
        if not self.types and not self.prefixes:
            return None
        return EventFilter(
            type_regex=f"^{_any_of(self.types)}$" if self.types else None,
            stream_prefix=self.prefixes[0] if len(self.prefixes) == 1 else None,
            stream_regex=f"^{_any_of(self.prefixes)}" if len(self.prefixes) > 1 else None,
        )


def _any_of(texts: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, texts))})"


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""

    async def live(request: Request) -> Response:
        selection = _selection(request)
        last = request.headers.get("last-event-id")
        wanted = place(request.query_params.get("from", "end")) if last is None else selection.after(last)
        start = await find_start(context.client, selection, wanted)
        return ServerSentEvents(messages(context.client, selection, start), context.stopping)

    return [Route("/api/live", live)]


def _selection(request: Request) -> Selection:
    stream = request.query_params.get("stream")
    if (stream is None) != (request.query_params.get("all") == "1"):
        raise InvalidArgument("stream", stream, "either the name of a stream, or all=1")
    return Selection(stream, texts_in(request, "types"), texts_in(request, "prefixes"))


async def find_start(client: Client, selection: Selection, wanted: int | Position | Edge) -> int | Position:
    """Return the place at which a subscription starts.

    The end is looked up, because a browser that loses its connection before the first event arrives must be able to
    resume there.
    """
    if not isinstance(wanted, Edge):
        return wanted
    if selection.stream is None:
        if wanted is START:
            return FIRST_POSITION
        page = await client.get_all(direction=StreamDirection.BACKWARD, max_count=1, resolve_links=False)
        return (page[0].position if len(page) else None) or FIRST_POSITION
    if wanted is START:
        return 0
    try:
        return (await client.get_event(selection.stream, resolve_links=False)).number + 1
    except StreamNotFound:
        return 0


def messages(client: Client, selection: Selection, start: int | Position) -> Observable[bytes]:
    """Return the messages for a browser: batches of events, signals, and changes of the connection.

    Args:
        client: Client of the store.
        selection: Events that the browser wants to see.
        start: Number of the first event of a stream, or position in `$all` after which the events are delivered.
    """
    news = selection.follow(client, start).pipe(
        ops.with_signals(),
        rx.filter(selection.matches),
        rx.map(partial(_part, selection)),
        ops.batch(BATCH_EVENTS, max_time=BATCH_SECONDS, high=BUFFERED_EVENTS),
        rx.map(_joined),
        rx.start_with(_checkpoint(selection.resume_text(start))),
    )
    return news.pipe(rx.merge(states(client)))


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


def _part(selection: Selection, item: Event | Signal) -> Part:
    match item:
        case Event():
            return Part(EVENTS, encode(event_values(item, limit=SHOWN_BYTES)), selection.place_of(item))
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
