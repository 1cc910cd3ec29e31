"""The copy of the log that one node of a cluster has.

The nodes apply the same changes in the same order and with the same time stamps, so that their logs have the same
events at the same positions. Only the leader decides on the order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from rxpump.server.store.changes import Change
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.store.writers import Settle

T = TypeVar("T")


class Entry(NamedTuple):
    """Changes that all nodes apply together.

    Attributes:
        time: Time of the changes, as Unix time in nanoseconds.
        changes: The changes, in their order.
    """

    time: int
    changes: Sequence[Change[Any]]


class Image(NamedTuple):
    """The data of a node that was stopped.

    Attributes:
        content: Content of its store.
        applied: Number of the entries that the content contains.
        has_tail: Whether the content has events that no other node has.
    """

    content: bytes
    applied: int
    has_tail: bool


class Replica:
    """The store of one node, and the entries that it has applied.

    It is the only writer of its store. Changes of clients are passed to `submit`, which decides when they are
    applied.

    Args:
        submit: Function that accepts a change from a client of the node.
        image: Data to start with; None for an empty log.

    Attributes:
        store: The store.
        applied: Number of the entries that were applied.
        has_tail: Whether the log has events that no other node has.
    """

    def __init__(self, submit: Callable[[Change[Any]], asyncio.Future[Any]], image: Image | None = None) -> None:
        self._submit = submit
        self._time: int | None = None
        self.store: SqliteStore = SqliteStore.in_memory(
            clock=self._now, make_writer=lambda *_: self, image=None if image is None else image.content
        )
        self.applied: int = 0 if image is None else image.applied
        self.has_tail: bool = image is not None and image.has_tail

    def _now(self) -> int:
        return time.time_ns() if self._time is None else self._time

    def write(self, change: Change[T], settle: Settle[T]) -> None:
        """Pass a change from a client of the node to `submit`. `settle` is called with its result."""
        self._submit(change).add_done_callback(lambda answer: settle(answer.result()))

    async def stop(self) -> None:
        """Do nothing, because the cluster answers pending changes."""

    def apply(self, entry: Entry) -> list[Any]:
        """Apply the next entry, publish its events, and return the results of its changes."""
        outcomes = self._apply(entry)
        self.applied += 1
        return outcomes

    def apply_alone(self, entry: Entry) -> list[Any]:
        """Apply an entry that no other node has, and that the node must discard later; return the results."""
        self.has_tail = True
        return self._apply(entry)

    def _apply(self, entry: Entry) -> list[Any]:
        self._time = entry.time
        try:
            commit = self.store.commits.commit(entry.changes)
        finally:
            self._time = None
        self.store.feed.publish(commit.written)
        return commit.outcomes

    def image(self) -> Image:
        """Return the data of the node."""
        return Image(self.store.image(), self.applied, self.has_tail)

    def __repr__(self) -> str:
        tail = ", with a tail" if self.has_tail else ""
        return f"<Replica with {self.applied} entries{tail}>"
