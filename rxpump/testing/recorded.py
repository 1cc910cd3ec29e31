"""The events that a test has published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rxpump.model.events import Event
from rxpump.testing.plain_events import PlainEvent, plain


class Recorded(Mapping[str, list[PlainEvent]]):
    """The events in a store as plain values, by the name of their stream.

    An event is `(type, data)`, or `(type, data, metadata)` if it has metadata. A stream without events has an empty
    list. Each access reads the store, so that the value is current. Streams whose names begin with `$` are left out.

        recorded = Recorded(event_store.read_events)
        assert recorded["orders"] == [("Placed", {"price": 5})]
        assert recorded == {"orders": [("Placed", {"price": 5})]}

    Args:
        read_events: Function that returns all events of the store, such as `EventStore.read_events`.
    """

    def __init__(self, read_events: Callable[[], Sequence[Event]]) -> None:
        self._read_events = read_events

    @property
    def all(self) -> list[tuple[str, PlainEvent]]:
        """All events in the order of their writes, each with the name of its stream."""
        return [(event.stream, plain(event)) for event in self._read_events()]

    def types(self, stream: str) -> list[str]:
        """Return the types of the events of a stream, in order."""
        return [event[0] for event in self[stream]]

    def __getitem__(self, stream: str) -> list[PlainEvent]:
        return self._by_stream().get(stream, [])

    def __contains__(self, stream: object) -> bool:
        return stream in self._by_stream()

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_stream())

    def __len__(self) -> int:
        return len(self._by_stream())

    def __eq__(self, other: object) -> bool:
        return self._by_stream() == (other._by_stream() if isinstance(other, Recorded) else other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _by_stream(self) -> dict[str, list[PlainEvent]]:
        found: dict[str, list[PlainEvent]] = {}
        for event in self._read_events():
            found.setdefault(event.stream, []).append(plain(event))
        return found

    def __repr__(self) -> str:
        return f"<Recorded {self._by_stream()}>"
