"""The feed, which passes each committed write to the followers of its stream and of all streams.

The cost of a write depends only on the number of its own followers. The feed publishes transactions in the order of
their commits, on the event loop on which followers start and stop.

A follower that reads the end of the log and starts to follow in the same iteration of the event loop misses nothing:
later events are published to it. It can receive an event that it has already read, because a commit of another thread
is visible before its publication runs. Such a follower must skip events up to the position that it has read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, Protocol

from rxpump.server.store.committed_batch import CommittedBatch, CommittedEvent
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import Written

EVERYTHING: Final = ""
"""Name that stands for all streams. No stream has the empty name."""

_log = logging.getLogger("rxpump.server")


class Follower(Protocol):
    """Receiver of committed events."""

    def receive(self, batch: CommittedBatch) -> None:
        """Process events that were written."""

    def drop(self) -> None:
        """Stop following, because `receive` raised an exception and the follower may have missed events."""


class Feed:
    """Publishes committed writes to followers.

    Args:
        read: Reader of the store, to look up the targets of links.
    """

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._followers: dict[str, dict[Follower, None]] = {}  # by stream; a dict keeps the order

    def follow(self, stream: str, follower: Follower) -> None:
        """Add a follower of a stream, or of `EVERYTHING`."""
        self._followers.setdefault(stream, {})[follower] = None

    def leave(self, stream: str, follower: Follower) -> None:
        """Remove a follower of a stream. Do nothing if it does not follow the stream."""
        followers = self._followers.get(stream)
        if followers is not None:
            followers.pop(follower, None)
            if not followers:
                del self._followers[stream]

    def publish(self, writes: Iterable[Written]) -> None:
        """Pass the writes of one transaction to their followers.

        Args:
            writes: Writes in the order of the log.
        """
        if not self._followers:
            return
        everything: list[CommittedEvent] = []
        by_stream: dict[str, list[CommittedEvent]] = {}
        for stream, rows in writes:
            if stream in self._followers or EVERYTHING in self._followers:
                events = [CommittedEvent(row, self._read) for row in rows]
                by_stream.setdefault(stream, []).extend(events)
                everything += events
        for stream, events in ((EVERYTHING, everything), *by_stream.items()):
            if events and stream in self._followers:
                _publish(CommittedBatch(events), tuple(self._followers[stream]))

    def __repr__(self) -> str:
        count = sum(map(len, self._followers.values()))
        return f"<Feed of {len(self._followers)} streams to {count} followers>"


def _publish(batch: CommittedBatch, followers: Iterable[Follower]) -> None:
    for follower in followers:
        try:
            follower.receive(batch)
        except Exception:
            _log.exception("%r failed to receive %r and is dropped", follower, batch)
            follower.drop()
