"""Who is told of what is written: those who follow a stream, and those who follow everything.

A write costs as much as there are followers of its stream and of everything, however many others there
are. A transaction is told after it is committed, each before the next, from the loop in which followers
come and go. A follower who looks at the head of the log and follows from there in one turn of the loop
so misses nothing: what the head does not have yet is told later. What it has may be told later too,
where its commit was done in another thread and the news of it was on its way; that is to be passed
over, by position.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, Protocol

from rxpump.server.store.committed_batch import Appearance, CommittedBatch
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import Written

EVERYTHING: Final = ""
"""In place of a stream's name, as in the protocol: no stream has the empty name."""

_log = logging.getLogger("rxpump.server")


class Follower(Protocol):
    """Somebody who is told."""

    def receive(self, burst: CommittedBatch) -> None:
        """Take what was written."""

    def drop(self) -> None:
        """Be over: something was written that could not be told."""


class Feed:
    """Tells followers what is written, as soon as it is committed."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._followers: dict[str, dict[Follower, None]] = {}  # by stream, in the order in which they came

    def follow(self, stream: str, follower: Follower) -> None:
        """Tell `follower` what is written to `stream`, or EVERYTHING."""
        self._followers.setdefault(stream, {})[follower] = None

    def leave(self, stream: str, follower: Follower) -> None:
        """Tell `follower` no more; it may have left before."""
        followers = self._followers.get(stream)
        if followers is not None:
            followers.pop(follower, None)
            if not followers:
                del self._followers[stream]

    def publish(self, writes: Iterable[Written]) -> None:
        """Tell what one transaction has written, in the order of the log."""
        if not self._followers:
            return
        everything: list[Appearance] = []
        by_stream: dict[str, list[Appearance]] = {}
        for stream, rows in writes:
            if stream in self._followers or EVERYTHING in self._followers:
                events = [Appearance(row, self._read) for row in rows]
                by_stream.setdefault(stream, []).extend(events)
                everything += events
        for stream, events in ((EVERYTHING, everything), *by_stream.items()):
            if events and stream in self._followers:
                _tell(tuple(self._followers[stream]), CommittedBatch(events))

    def __repr__(self) -> str:
        count = sum(map(len, self._followers.values()))
        return f"<Feed of {len(self._followers)} streams to {count} followers>"


def _tell(followers: Iterable[Follower], burst: CommittedBatch) -> None:
    for follower in followers:
        try:
            follower.receive(burst)
        except Exception:
            _log.exception("%r was not told of %r", follower, burst)
            follower.drop()
