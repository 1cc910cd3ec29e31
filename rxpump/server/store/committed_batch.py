"""What one transaction wrote, as the frames that tell subscribers of it.

An event looks the same to all who are told of it, whether they follow its stream or everything: a
StreamEventAppeared is put together once, from the columns that the event is stored as, and is not
encoded again. So are the frames around the events of a burst; only the correlation id in them is each
subscription's own.

    StreamEventAppeared   tag  length  record  all_tail
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

from rxpump.server.store.pages import resolve
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import Row, varint
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import shared_frames
from rxpump.tcp.wire.schema import StreamEventAppeared

_VOLLEY_BYTES: Final = 256 * 1024  # of payloads that are sent as one, so that what is unsent can be watched


class Appearance:
    """One event as the payload of a StreamEventAppeared."""

    __slots__ = ("_parsed", "_plain", "_read", "_resolved", "_row", "position")

    def __init__(self, row: Row, read: Reader) -> None:
        self.position: int = row.position
        self._row = row
        self._read = read
        self._plain = appeared(row.record, row.all_tail)
        self._resolved: bytes | None = None
        self._parsed: Any = None

    @property
    def event(self) -> Any:
        """The ResolvedEvent, links not followed, parsed when that is first asked for."""
        if self._parsed is None:
            self._parsed = StreamEventAppeared.FromString(self._plain).event
        return self._parsed

    def payload(self, *, resolve_links: bool) -> bytes:
        """Give the payload; with links followed, a link is looked up when that is first asked for."""
        row = self._row
        if row.link_stream is None or not resolve_links:
            return self._plain
        if self._resolved is None:
            target = self._read.target(row.link_stream, row.link_revision)
            self._resolved = appeared(resolve(row.record, target), row.all_tail)
        return self._resolved


def appeared(event: bytes, positions: bytes) -> bytes:
    """Put a StreamEventAppeared together (docs/protocol/tcp.md, section 3.5)."""
    return b"\x0a%b%b%b" % (varint(len(event) + len(positions)), event, positions)


class CommittedBatch:
    """Events of one stream, or of all, as they lie in the log; at least one."""

    def __init__(self, events: Sequence[Appearance]) -> None:
        self._events = events
        self._shared: dict[tuple[int, bool], list[list[bytes]]] = {}

    def frames(self, correlation_id: bytes, *, after: int, resolve_links: bool) -> Iterator[bytes]:
        """Give the frames, a volley at a time, of the events that lie after position `after`."""
        first = bisect_right(self._events, after, key=attrgetter("position"))
        volleys = self._shared.get((first, resolve_links))
        if volleys is None:
            payloads = [event.payload(resolve_links=resolve_links) for event in self._events[first:]]
            volleys = self._shared[first, resolve_links] = list(_volleys(payloads))
        return map(correlation_id.join, volleys)

    def events_after(self, position: int) -> Sequence[Appearance]:
        """Give the events that lie after `position`."""
        return self._events[bisect_right(self._events, position, key=attrgetter("position")) :]

    def __repr__(self) -> str:
        return f"<CommittedBatch of {len(self._events)} events>"


def _volleys(payloads: Iterable[bytes]) -> Iterator[list[bytes]]:
    volley: list[bytes] = []
    room = _VOLLEY_BYTES
    for payload in payloads:
        if volley and len(payload) > room:
            yield shared_frames(Command.STREAM_EVENT_APPEARED, volley)
            volley, room = [], _VOLLEY_BYTES
        volley.append(payload)
        room -= len(payload)
    if volley:
        yield shared_frames(Command.STREAM_EVENT_APPEARED, volley)
