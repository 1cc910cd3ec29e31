"""The events that a browser follows live: those of one stream, or those of `$all` that match a filter.

A place is where a subscription starts, and where a browser resumes after it has lost its connection. In a stream, it
is the number of the first event that is delivered; in `$all`, the position after which events are delivered.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import reactivex
from reactivex import Observable
from reactivex import operators as rx

from rxpump.client import Client
from rxpump.errors import EventNotFound, InvalidArgument, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.pages import AllPage
from rxpump.model.positions import FIRST_POSITION, START, Edge, Position, StreamDirection, position_text
from rxpump.model.signals import Signal
from rxpump.streams.catch_up import CatchUp
from rxpump.ui.request_values import place

BEFORE_FIRST: Final = "none"
"""Text of the place before the first event of a stream."""

P = TypeVar("P", int, Position)


class Selection(ABC, Generic[P]):
    """The events that a browser follows."""

    @abstractmethod
    def parse(self, text: str, argument: str = "from") -> P | Edge:
        """Parse the place that a browser requests: one in this selection, START or END.

        Raises:
            InvalidArgument: The text is no place in this selection.
        """

    @abstractmethod
    def after(self, last: str) -> P | Edge:
        """Return the place after the last event that a browser has received, from the id of its server-sent event.

        Raises:
            InvalidArgument: The text is no such id.
        """

    @abstractmethod
    def text_before(self, place: P) -> str:
        """Return the id of a server-sent event after which a browser resumes at a place."""

    @abstractmethod
    def text_of(self, event: Event) -> str | None:
        """Return the id of the server-sent event that ends with this event."""

    @abstractmethod
    def find_place(self, client: Client, wanted: P | Edge) -> Observable[P]:
        """Return an Observable of one place. Without a connection it waits for one.

        The end is looked up, so that a browser which loses its connection before the first event arrives can resume
        there.
        """

    @abstractmethod
    def follow(self, client: Client, place: P) -> CatchUp:
        """Return the subscription that delivers the events."""

    @abstractmethod
    def matches(self, item: Event | Signal) -> bool:
        """Return whether an item of the subscription is for the browser. All signals are."""


@dataclass(frozen=True, slots=True)
class StreamSelection(Selection[int]):
    """The events of one stream.

    Attributes:
        stream: Name of the stream.
        types: Types of the events; empty for all types.
    """

    stream: str
    types: tuple[str, ...] = ()

    def parse(self, text: str, argument: str = "from") -> int | Edge:
        """Parse the place that a browser requests: an event number, START or END."""
        found = place(text, argument)
        if isinstance(found, Position):
            raise InvalidArgument(argument, text, "the number of an event, start or end, for a stream")
        return found

    def after(self, last: str) -> int | Edge:
        """Return the number after that of the last event that a browser has received."""
        if last == BEFORE_FIRST:
            return 0
        seen = self.parse(last, "Last-Event-ID")
        return seen if isinstance(seen, Edge) else seen + 1

    def text_before(self, place: int) -> str:
        """Return the number before a number."""
        return str(place - 1) if place else BEFORE_FIRST

    def text_of(self, event: Event) -> str:
        """Return the number of an event; that of the link if it was reached through one."""
        return str(event.received_number)

    def find_place(self, client: Client, wanted: int | Edge) -> Observable[int]:
        """Return an Observable of the number of the first event that is delivered."""
        if not isinstance(wanted, Edge):
            return reactivex.just(wanted)
        if wanted is START:
            return reactivex.just(0)
        last = client.get_event(self.stream, resolve_links=False, timeout=None)
        return last.pipe(rx.map(lambda event: event.number + 1), rx.catch(_zero_if_empty))

    def follow(self, client: Client, place: int) -> CatchUp:
        """Return a subscription to the stream, which resolves links."""
        return client.stream(self.stream, place)

    def matches(self, item: Event | Signal) -> bool:
        """Return whether an item is a signal or has one of the types."""
        return not self.types or not isinstance(item, Event) or item.type in self.types


def _zero_if_empty(error: Exception, _source: Observable[int]) -> Observable[int]:
    """Continue with 0 if no event can be read, so that the first one that can be is delivered."""
    is_empty = isinstance(error, (StreamNotFound, EventNotFound))
    return reactivex.just(0) if is_empty else reactivex.throw(error)


_NO_SYSTEM_STREAM: Final = r"^[^$]"


@dataclass(frozen=True, slots=True)
class AllSelection(Selection[Position]):
    """The events of `$all`, or those that match a filter.

    Attributes:
        types: Types of the events; empty for all types.
        prefixes: Prefixes of the names of their streams; empty for all streams.
        with_system: Whether streams whose names begin with `$` are included if there is no other filter.
    """

    types: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    with_system: bool = True

    def parse(self, text: str, argument: str = "from") -> Position | Edge:
        """Parse the place that a browser requests: a position, START or END."""
        found = place(text, argument)
        if isinstance(found, int):
            raise InvalidArgument(argument, text, "a position such as 120/120, start or end, for $all")
        return found

    def after(self, last: str) -> Position | Edge:
        """Return the position of the last event that a browser has received."""
        return self.parse(last, "Last-Event-ID")

    def text_before(self, place: Position) -> str:
        """Return the position as text."""
        return position_text(place)

    def text_of(self, event: Event) -> str | None:
        """Return the position of an event as text."""
        return position_text(event.position)

    def find_place(self, client: Client, wanted: Position | Edge) -> Observable[Position]:
        """Return an Observable of the position after which events are delivered."""
        if not isinstance(wanted, Edge):
            return reactivex.just(wanted)
        if wanted is START:
            return reactivex.just(FIRST_POSITION)
        last = client.get_all(direction=StreamDirection.BACKWARD, max_count=1, resolve_links=False, timeout=None)
        return last.pipe(rx.map(_last_position))

    def follow(self, client: Client, place: Position) -> CatchUp:
        """Return a subscription to `$all`.

        Links are delivered as they are, because servers compare the names of their streams and not those of the
        targets.
        """
        return client.stream_all(place, resolve_links=False, where=self._filter())

    def matches(self, item: Event | Signal) -> bool:
        """Return True, because the subscription has the filter."""
        return True

    def _filter(self) -> EventFilter | None:
        if not self.types and not self.prefixes:
            return None if self.with_system else EventFilter(stream_regex=_NO_SYSTEM_STREAM)
        return EventFilter(
            type_regex=f"^{_any_of(self.types)}$" if self.types else None,
            stream_prefix=self.prefixes[0] if len(self.prefixes) == 1 else None,
            stream_regex=f"^{_any_of(self.prefixes)}" if len(self.prefixes) > 1 else None,
        )


def _last_position(page: AllPage) -> Position:
    return (page[0].position if len(page) else None) or FIRST_POSITION


def _any_of(texts: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, texts))})"
