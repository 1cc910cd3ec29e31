"""Requests that were refused for now and wait for their next attempts."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

from rxpump.tcp.protocol.request import Request


class RetryQueue:
    """Refused requests in the order of their next attempts.

    Requests with the same ordering key are sent again at the same time, so that they keep their order.

    Attributes:
        next: Time of the next attempt; infinite if no request waits.
        key_times: Time of the next attempt for each ordering key.
    """

    def __init__(self) -> None:
        self.next: float = math.inf
        self.key_times: dict[str | None, float] = {}
        self._heap: list[tuple[float, int, Request]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Request]:
        return (request for _, _, request in self._heap)

    def push(self, request: Request, now: float, pause: float) -> None:
        """Add a request that was refused.

        Args:
            request: The request.
            now: Current time.
            pause: Seconds until its next attempt, unless a request with its ordering key is waiting.
        """
        time, key = now + pause, request.operation.ordering_key
        if key is not None:
            if self.key_times.get(key, now) <= now:
                self.key_times[key] = time
            time = self.key_times[key]
        self._push(request, time)

    def push_after_its_key(self, request: Request) -> bool:
        """Add a request if one with its ordering key is waiting. Return whether it was added."""
        time = self.key_times.get(request.operation.ordering_key)
        if time is None:
            return False
        self._push(request, time)
        return True

    def _push(self, request: Request, time: float) -> None:
        heapq.heappush(self._heap, (time, request.sequence, request))
        self.next = self._heap[0][0]

    def pop(self, now: float) -> Request | None:
        """Remove and return the next request whose time has come, or None."""
        if self.next > now:
            return None
        time, _, request = heapq.heappop(self._heap)
        self.next = self._heap[0][0] if self._heap else math.inf
        if self.key_times.get(request.operation.ordering_key) == time:
            del self.key_times[request.operation.ordering_key]
        return request

    def clear(self) -> None:
        """Remove all requests."""
        self.next = math.inf
        self._heap.clear()
        self.key_times.clear()

    def __repr__(self) -> str:
        return f"<RetryQueue of {len(self._heap)}>"
