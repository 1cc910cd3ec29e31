"""What a source has given a writer and is not written yet."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.flow import Brake, Flow
from rxpump.new_event import NewEvent, as_new_event

DEFAULT_BATCH_BYTES: Final = 256 * 1024
"""Bytes of events in one write. A write is one frame, and nothing passes a frame that is begun: on a link of 1 MB/s,
four writes of this size under way keep a ping waiting for a second."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How events are gathered into writes.

    max_batch:      the most events in one write.
    max_bytes:      the most bytes; one event that is larger is a batch of its own.
    linger:         seconds to wait for a batch to fill once it has its first event. 0: whatever waits goes.
    max_in_flight:  writes under way at once.
    """

    max_batch: int = 500
    max_bytes: int = DEFAULT_BATCH_BYTES
    linger: float = 0.0
    max_in_flight: int = 4

    def __post_init__(self) -> None:
        for name in ("max_batch", "max_bytes", "max_in_flight"):
            if getattr(self, name) < 1:
                raise InvalidArgument(name, getattr(self, name), "1 or more")
        if not self.linger >= 0:
            raise InvalidArgument("linger", self.linger, "seconds, 0 or more")


class Inbox:
    """Takes events in as an observer, and gives them out in batches.

    Beyond two batches it holds the source that fills it. What came before the source ended is still given
    out; then `failure` says whether it ended well.
    """

    def __init__(self, name: str, stream: str, batching: Batching) -> None:
        self.failure: Exception | None = None
        self._stream = stream
        self._knows_its_end = False
        self.is_over: bool = False
        self._batching = batching
        self._brake = Brake(name, high=2 * batching.max_batch)
        self._events: deque[NewEvent] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._filled = asyncio.Event()

    def on_next(self, item: object) -> None:
        """Keep an event. Raises InvalidArgument for what is none, BufferOverflow for a source without demand."""
        event = as_new_event(item, self._stream)
        self._knows_its_end = self._knows_its_end or Flow.current() is not None
        self._brake.kept(len(self._events) + 1)
        self._events.append(event)
        self._bytes += event.size
        self._arrived.set()
        if len(self._events) >= self._batching.max_batch or self._bytes >= self._batching.max_bytes:
            self._filled.set()

    def on_error(self, error: Exception) -> None:
        """Note that the source failed."""
        self.failure = error
        self.on_completed()

    def on_completed(self) -> None:
        """Note that nothing more comes."""
        self.is_over = True
        self._arrived.set()
        self._filled.set()

    def end_intake(self) -> None:
        """The client is draining: a source of ours will complete, any other is cut off here."""
        if not self._knows_its_end:
            self.on_completed()

    async def next_batch(self) -> list[NewEvent]:
        """Wait for events and take as many as fit a batch; none when the source is over."""
        await self._arrived.wait()
        if self._batching.linger and not self._filled.is_set():
            try:
                async with asyncio.timeout(self._batching.linger):
                    await self._filled.wait()
            except TimeoutError:
                pass
        return self._take()

    def _take(self) -> list[NewEvent]:
        batch: list[NewEvent] = []
        size = 0
        while self._events and len(batch) < self._batching.max_batch:
            size += self._events[0].size
            if batch and size > self._batching.max_bytes:
                break
            batch.append(self._events.popleft())
        self._bytes -= sum(event.size for event in batch)
        self._brake.left(len(self._events))
        if not self.is_over:
            if not self._events:
                self._arrived.clear()
            if len(self._events) < self._batching.max_batch and self._bytes < self._batching.max_bytes:
                self._filled.clear()
        return batch

    def close(self) -> None:
        """Hold nobody any more."""
        self._brake.close()

    def __repr__(self) -> str:
        return f"<Inbox {len(self._events)} events, {self._bytes} bytes{', over' if self.is_over else ''}>"
