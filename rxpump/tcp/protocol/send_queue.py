"""Queue of requests that wait to be sent.

Requests are sent in the order in which they were made, with one exception. A request is slow if it moves many bytes
or if two connections were lost while it was in flight. A slow request waits until all others are sent, but for at
most `_SHARE` of them, so that no request waits forever. Requests with the same ordering key keep their order, so a
request after a slow one with its key is slow too.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, Generic, Protocol, TypeVar

from rxpump.tcp.protocol.operation import Operation

LARGE_BYTES: Final = 64 * 1024
"""Size in bytes of a request above which smaller requests are sent first."""

_SHARE: Final = 32
"""Largest number of requests that are sent before a waiting slow one."""

_SUSPECT_LOSSES: Final = 2
"""Lost connections after which a request is slow. One connection can be lost for many reasons."""


class Sendable(Protocol):
    """The attributes of a request that determine its place in the queue."""

    sequence: int
    is_settled: bool
    losses: int

    @property
    def operation(self) -> Operation[Any]:
        """Operation of the request."""


_T = TypeVar("_T", bound=Sendable)


def is_slow(request: Sendable) -> bool:
    """Return whether a request is large, or was in flight during lost connections.

    In the queue, later requests with the ordering key of a slow request wait for it, so they are slow too.
    """
    operation = request.operation
    return operation.reply_is_large or len(operation.payload) > LARGE_BYTES or request.losses >= _SUSPECT_LOSSES


class SendQueue(Generic[_T]):
    """Requests in the order in which they are sent. Settled requests are skipped.

    Attributes:
        unsorted: Heap of the requests that were not tested yet: they can be slow.
        slow: Heap of the slow requests.
    """

    def __init__(self) -> None:
        self.unsorted: list[tuple[int, _T]] = []
        self.slow: list[tuple[int, _T]] = []
        self._slow_keys: Counter[str] = Counter()
        self._passed = 0

    def __len__(self) -> int:
        return len(self.unsorted) + len(self.slow)

    def __iter__(self) -> Iterator[_T]:
        """Return the requests in the order in which they were made, settled ones included."""
        return (request for _, request in sorted(self.unsorted + self.slow))

    def push(self, request: _T) -> None:
        """Add a request."""
        heapq.heappush(self.unsorted, (request.sequence, request))

    def pop(self, *, with_slow: bool) -> _T | None:
        """Remove and return the next request, or None if there is none.

        Args:
            with_slow: Whether slow requests may be sent now.
        """
        while with_slow and self.slow and self._passed >= _SHARE:
            if not (request := self._pop_slow()).is_settled:
                return request
        while self.unsorted:
            _, request = heapq.heappop(self.unsorted)
            if request.is_settled:
                continue
            if is_slow(request) or request.operation.ordering_key in self._slow_keys:
                self._push_slow(request)
                continue
            if self.slow:
                self._passed += 1
            return request
        while with_slow and self.slow:
            if not (request := self._pop_slow()).is_settled:
                return request
        return None

    def clear(self) -> None:
        """Remove all requests."""
        self.unsorted.clear()
        self.slow.clear()
        self._slow_keys.clear()

    def drop_settled(self) -> None:
        """Remove the requests that were settled while they waited."""
        waiting = [request for request in self if not request.is_settled]
        self.clear()
        self.unsorted = [(request.sequence, request) for request in waiting]  # a sorted list is a valid heap

    def _push_slow(self, request: _T) -> None:
        heapq.heappush(self.slow, (request.sequence, request))
        if (ordering_key := request.operation.ordering_key) is not None:
            self._slow_keys[ordering_key] += 1

    def _pop_slow(self) -> _T:
        self._passed = 0
        _, request = heapq.heappop(self.slow)
        if (ordering_key := request.operation.ordering_key) is not None:
            self._slow_keys[ordering_key] -= 1
            if not self._slow_keys[ordering_key]:
                del self._slow_keys[ordering_key]
        return request

    def __repr__(self) -> str:
        return f"<SendQueue {len(self.unsorted)} waiting, {len(self.slow)} slow>"
