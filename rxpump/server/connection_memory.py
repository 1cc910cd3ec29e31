"""Bound the total memory of all connections without a login.

The memory of each connection is bounded (see `rxpump.server.tcp.session`), but a client without a login can open
many. So the bytes of all connections without a login are added up: incomplete frames, waiting requests and unread
replies. Above the limit, the connection that takes the most memory is closed.
"""

from __future__ import annotations

from typing import Final, Protocol

MAX_ANONYMOUS_BYTES: Final = 256 * 1024 * 1024
"""Largest total bytes of all connections without a login: four frames of the largest size."""


class Holder(Protocol):
    """A connection that takes memory."""

    def cut(self) -> None:
        """Close the connection at once and free its memory."""


class ConnectionMemory:
    """The bytes of each connection without a login.

    Args:
        limit: Largest total bytes of these connections.
    """

    def __init__(self, limit: int = MAX_ANONYMOUS_BYTES) -> None:
        self.limit: Final = limit
        self.total: int = 0
        self._held: dict[Holder, int] = {}

    @property
    def is_scarce(self) -> bool:
        """Whether half of the limit is used, so that connections must wait until their writes are committed."""
        return self.total > self.limit // 2

    def hold(self, holder: Holder, size: int) -> None:
        """Set the bytes of a connection, and close the largest connections until the total is within the limit."""
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
