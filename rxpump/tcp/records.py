"""Make events from the protobuf messages that contain them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from operator import attrgetter, methodcaller
from typing import Any, Final, overload

from rxpump.model.events import Event, broken_link

_has_event: Final = methodcaller("HasField", "event")
_has_link: Final = methodcaller("HasField", "link")
_event: Final = attrgetter("event")


def indexed_event(resolved: Any) -> Event:
    """Return the event of a ResolvedIndexedEvent, which has no position."""
    if not _has_link(resolved):
        return Event(resolved.event)
    link = resolved.link
    return Event(resolved.event if _has_event(resolved) else broken_link(link), link)


def positioned_event(resolved: Any) -> Event:
    """Return the event of a ResolvedEvent, which has a position."""
    if not _has_link(resolved):
        return Event(resolved.event, None, resolved)
    link = resolved.link
    return Event(resolved.event if _has_event(resolved) else broken_link(link), link, resolved)


class IndexedEvents(Sequence[Event]):
    """Events of ResolvedIndexedEvent messages, each created when it is read."""

    __slots__ = ("_messages",)

    def __init__(self, messages: Sequence[Any]) -> None:
        self._messages = messages

    def __iter__(self) -> Iterator[Event]:
        messages = [*self._messages]  # copied, because each iteration creates new wrappers of the messages
        if any(map(_has_link, messages)):
            return map(indexed_event, messages)
        return map(Event, map(_event, messages))  # without a Python call for each message

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [indexed_event(message) for message in self._messages[index]]
        return indexed_event(self._messages[index])


class PositionedEvents(Sequence[Event]):
    """Events of ResolvedEvent messages, each created when it is read."""

    __slots__ = ("_messages",)

    def __init__(self, messages: Sequence[Any]) -> None:
        self._messages = messages

    def __iter__(self) -> Iterator[Event]:
        messages = [*self._messages]  # copied, because each iteration creates new wrappers of the messages
        if any(map(_has_link, messages)):
            return map(positioned_event, messages)
        return map(Event, map(_event, messages), repeat(None), messages)

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [positioned_event(message) for message in self._messages[index]]
        return positioned_event(self._messages[index])
