"""Sequences of events that a transport received together, each event created on access."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import overload

from rxpump.model.events import Event, Record
from rxpump.model.positions import Position


class EventSequence(Sequence[Event], ABC):
    """Events, each created on access. They look up most of their values in this object (see `Records`)."""

    __slots__ = ()

    @abstractmethod
    def event(self, index: int) -> Event:
        """Return a new event. `index` is from 0."""

    @abstractmethod
    def record(self, index: int) -> Record:
        """Return the record of an event; for a broken link the result of `broken_link`."""

    @abstractmethod
    def link(self, index: int) -> Record | None:
        """Return the record of the link by which an event was reached; None if it was read directly."""

    @abstractmethod
    def position(self, index: int) -> Position | None:
        """Return the position in `$all` at which an event was received; None if the server did not send it."""

    def __iter__(self) -> Iterator[Event]:
        return map(self.event, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [self.event(each) for each in range(len(self))[index]]
        return self.event(range(len(self))[index])


class ColumnarEvents(EventSequence):
    """Events whose values were parsed into one list for each field.

    Args:
        types: Type of each event.
        numbers: Number of each event in its stream.
        data: Data of each event.
    """

    __slots__ = ("_data", "_numbers", "_types")

    def __init__(self, types: Sequence[str], numbers: Sequence[int], data: Sequence[bytes]) -> None:
        self._types = types
        self._numbers = numbers
        self._data = data

    def __len__(self) -> int:
        return len(self._types)

    def __iter__(self) -> Iterator[Event]:
        return map(Event, self._types, self._numbers, self._data, repeat(self), range(len(self)))

    def event(self, index: int) -> Event:
        """Return a new event."""
        return Event(self._types[index], self._numbers[index], self._data[index], self, index)
