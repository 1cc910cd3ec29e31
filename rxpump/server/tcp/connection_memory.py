"""Bound on the memory that connections without a login use, for all of them together.

Each connection is bounded by itself (see rxpump.server.tcp.session), but anybody can open many. So the bytes that the
connections without a login make the server hold are added up: frames that are not complete, requests that wait, and
answers that are not read. If they are too many, the connection that holds the most of them is closed.
"""

from __future__ import annotations

from typing import Final, Protocol

MAX_ANONYMOUS_BYTES: Final = 256 * 1024 * 1024
"""Bytes that all connections without a login may make the server hold: four frames of the largest size."""


class Holder(Protocol):
    """A connection that makes the server hold bytes."""

    def cut(self) -> None:
        """Close the connection at once and release what it holds."""


class ConnectionMemory:
    """Account of the bytes that each connection without a login makes the server hold."""

    def __init__(self, limit: int = MAX_ANONYMOUS_BYTES) -> None:
        self.limit: Final = limit
        self.total: int = 0
        self._held: dict[Holder, int] = {}

    @property
    def is_scarce(self) -> bool:
        """Whether half of the limit is used, so that connections must wait until their writes are committed."""
        return self.total > self.limit // 2

    def hold(self, holder: Holder, size: int) -> None:
        """Set the number of bytes that `holder` holds; cut the largest holders until the rest is within the limit."""
        self.total += size - self._held.get(holder, 0)
        if size:
            self._held[holder] = size
        else:
            self._held.pop(holder, None)
        while self.total > self.limit:
            largest = max(self._held, key=self._held.__getitem__)
            self.hold(largest, 0)
            largest.cut()

    def __repr__(self) -> str:
        return f"<ConnectionMemory {self.total} bytes held by {len(self._held)} connections, limit {self.limit}>"
