"""Pages: the events of one read request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from rxpump.model.events import Event
from rxpump.model.positions import Position

_Cursor = TypeVar("_Cursor", int, Position)


class _Page(Sequence[Event], Generic[_Cursor]):
    """The events of a page, and the start of the next page.

    Args:
        events: The events; a transport passes a sequence that decodes each event when it is read.
        next: Start of the next page.
    """

    __slots__ = ("_events", "_source", "next")

    def __init__(self, events: Sequence[Event], next: _Cursor) -> None:
        self._source = events
        self._events: tuple[Event, ...] | None = None
        self.next: _Cursor = next

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, in the order of reading."""
        if self._events is None:
            self._events = tuple(self._source)
        return self._events

    @property
    def ends(self) -> tuple[Event, Event]:
        """The first and the last event. The other events are not decoded.

        Raises:
            IndexError: The page is empty.
        """
        return self._source[0], self._source[-1]

    def __iter__(self) -> Iterator[Event]:
        return iter(self._source if self._events is None else self._events)

    def __len__(self) -> int:
        return len(self._source)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or self._state() == other._state()

    def __hash__(self) -> int:
        return hash((type(self), self.next, len(self)))

    def __getstate__(self) -> object:
        return None, self._state()

    def _state(self) -> dict[str, Any]:
        """Return the value of each slot, with events that do not depend on a message."""
        names = [name for cls in type(self).__mro__ for name in cls.__dict__.get("__slots__", ())]
        values = {name: getattr(self, name) for name in names}
        return {**values, "_events": None, "_source": list(self)}

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return self.events[index]


class StreamPage(_Page[int]):
    """A page of one stream.

    Over TCP a page has the events of as many numbers as were requested. The numbers of truncated events count, so a
    page can be empty before the end (docs/protocol/tcp.md, section 4.6). Over gRPC only events count.

    Attributes:
        stream: Name of the stream.
        next_event_number: Number at which the next page starts; -1 if there is none in this direction.
        last_event_number: Number of the last event of the stream, not of the page; None if the protocol does not
            send it.
        is_end_of_stream: Whether the page reaches the end of the stream (backward: its first event).
    """

    __slots__ = ("is_end_of_stream", "last_event_number", "stream")

    def __init__(
        self,
        events: Sequence[Event],
        *,
        stream: str,
        next_event_number: int,
        last_event_number: int | None,
        is_end_of_stream: bool,
    ) -> None:
        super().__init__(events, next_event_number)
        self.stream: str = stream
        self.last_event_number: int | None = last_event_number
        self.is_end_of_stream: bool = is_end_of_stream

    @property
    def next_event_number(self) -> int:
        """Number at which the next page starts."""
        return self.next

    @property
    def is_last(self) -> bool:
        """Whether this is the last page in the direction of reading."""
        return self.is_end_of_stream

    def __repr__(self) -> str:
        end = ", end of stream" if self.is_end_of_stream else ""
        return f"<StreamPage {len(self)} events of {self.stream}, next {self.next}{end}>"


class AllPage(_Page[Position]):
    """A page of `$all`.

    A filtered page can be empty before the end.

    Attributes:
        position: Position at which the page starts.
        next_position: Position at which the next page starts.
        is_last: Whether this is the last page in the direction of reading. Without a filter, only an empty page is
            known to be the last (docs/protocol/tcp.md, section 4.7).
        examined: Position up to which a filter has examined all events: after the last event of the page, no event
            up to this position matches. None without a filter, or if the server does not name it.
    """

    __slots__ = ("examined", "is_last", "position")

    def __init__(
        self,
        events: Sequence[Event],
        *,
        position: Position,
        next_position: Position,
        is_last: bool | None = None,
        examined: Position | None = None,
    ) -> None:
        super().__init__(events, next_position)
        self.examined: Position | None = examined
        self.position: Position = position
        self.is_last: bool = not events if is_last is None else is_last

    def where(self, matches: Callable[[Event], bool]) -> AllPage:
        """Return the page with only those events that match."""
        kept = [event for event in self if matches(event)]
        examined = self.examined
        if examined is None and self:
            examined = self.ends[1].position
        return AllPage(kept, position=self.position, next_position=self.next, is_last=self.is_last, examined=examined)

    @property
    def next_position(self) -> Position:
        """Start of the next page."""
        return self.next

    def __repr__(self) -> str:
        return f"<AllPage {len(self)} events from {self.position}, next {self.next}>"


Page = StreamPage | AllPage


def ends(events: Sequence[Event]) -> tuple[Event, Event]:
    """Return the first and the last of some events. If they are a page, the other events are not decoded."""
    if isinstance(events, list) or not isinstance(events, _Page):  # The check for a list is the faster one.
        return events[0], events[-1]
    return events.ends
