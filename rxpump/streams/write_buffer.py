"""Buffer events until they are written, and group them into writes."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from rxpump.backpressure.background_tasks import LoopCaller
from rxpump.backpressure.upstream import Upstream
from rxpump.backpressure.watermarks import Watermarks
from rxpump.errors import RxPumpError
from rxpump.model import checks
from rxpump.model.new_events import NewEvent, as_new_event
from rxpump.transport import Transport

DEFAULT_BATCH_BYTES: Final = 256 * 1024
"""Default for the most bytes of events in one write.

Over TCP a write is one frame, and other requests wait until the frame is sent. On a link of 1 MB/s, four writes of
this size delay a ping by one second.
"""


@dataclass(frozen=True, slots=True)
class Batching:
    """Rules by which events are grouped into writes.

    Attributes:
        max_batch: Largest number of events in one write.
        max_bytes: Largest size in bytes of one write. A larger event is written in a batch of its own.
        linger: Seconds to wait for more events after the first of a batch. With 0, all buffered events are written
            at once.
        max_in_flight: Largest number of writes that are in flight at the same time.
    """

    max_batch: int = 500
    max_bytes: int = DEFAULT_BATCH_BYTES
    linger: float = 0.0
    max_in_flight: int = 4

    def __post_init__(self) -> None:
        for name in ("max_batch", "max_bytes", "max_in_flight"):
            checks.count(name, getattr(self, name))
        checks.seconds("linger", self.linger, least=0)


class WriteBuffer:
    """Buffers the events of a source, and returns them in batches.

    It pauses the source when it holds `2 * max_batch` events, or `max_in_flight` if that is more. Events that arrived
    before the source ended are still returned.

    Args:
        name: Name of the buffer in BufferOverflow.
        stream: Stream that the events are written to.
        batching: How events are grouped into writes.
        transport: Transport that the events are written with, which has limits and may be instrumented.

    Attributes:
        stream: Stream that the events are written to.
        transport: Transport that the events are written with.
        failure: Error with which the source ended; None if it completed or has not ended.
        is_over: Whether the source has ended.
        changed: Event that is set when a batch may be ready, and when the source ends. Its reader clears it.
    """

    def __init__(self, name: str, stream: str, batching: Batching, transport: Transport) -> None:
        self.stream: str = stream
        self.transport: Transport = transport
        self.failure: Exception | None = None
        self.is_over: bool = False
        self.changed: asyncio.Event = asyncio.Event()
        self._loop_caller = LoopCaller()
        self._completes_by_itself: bool | None = None  # None until an item arrives.
        self._batching = batching
        self._watermarks = Watermarks(name, high=max(2 * batching.max_batch, batching.max_in_flight))
        self._events: deque[NewEvent] = deque()
        self._bytes = 0
        self._has_lingered = False
        self._timer: asyncio.TimerHandle | None = None

    def on_next(self, item: object) -> None:
        """Add an event.

        An event from another thread is added soon afterwards, in the event loop. If it cannot be added, the error
        becomes the failure of the source.

        Raises:
            InvalidArgument: The item is not an event, or is too large.
            BufferOverflow: The buffer is full and the source cannot be paused.
        """
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self._on_next_soon, item)
            return
        event = as_new_event(item, self.stream, self.transport.limits)
        instrumentation = self.transport.telemetry.instrumentation
        if instrumentation is not None:
            event = instrumentation.buffering(event)
        self._completes_by_itself = bool(self._completes_by_itself) or Upstream.current() is not None
        self._watermarks.added(len(self._events) + 1)
        self._events.append(event)
        self._bytes += event.size
        self._announce()

    def _on_next_soon(self, item: object) -> None:
        if self.is_over:
            return
        try:
            self.on_next(item)
        except RxPumpError as error:
            self.on_error(error)

    def on_error(self, error: Exception) -> None:
        """End the buffer with the failure of the source."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.on_error, error)
            return
        self.failure = error
        self.on_completed()

    def on_completed(self) -> None:
        """End the buffer: no more events arrive."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.on_completed)
            return
        self.is_over = True
        self.changed.set()

    def end_intake(self) -> None:
        """Accept no further events, because the client drains. Sources of rxpump complete on their own then.

        If no event has arrived, the source is not known, and nothing is done.
        """
        if self._completes_by_itself is False:
            self.on_completed()

    @property
    def is_idle(self) -> bool:
        """Whether no event has arrived and the source has not ended."""
        return self._completes_by_itself is None and not self.is_over

    @property
    def has_batch(self) -> bool:
        """Whether there are events that can be written without waiting for more."""
        return bool(self._events) and (
            not self._batching.linger or self._has_lingered or self.is_over or self._is_filled
        )

    def take(self) -> list[NewEvent]:
        """Remove and return as many events as fit into one batch."""
        batch: list[NewEvent] = []
        size = 0
        while self._events and len(batch) < self._batching.max_batch:
            following = size + self._events[0].size
            if batch and following > self._batching.max_bytes:
                break
            size = following
            batch.append(self._events.popleft())
        self._bytes -= size
        self._watermarks.removed(len(self._events))
        self._stop_lingering()
        if self._events:
            self._announce()
        return batch

    def close(self) -> None:
        """Resume the source, and never pause it again."""
        self._stop_lingering()
        self._watermarks.close()

    @property
    def _is_filled(self) -> bool:
        return len(self._events) >= self._batching.max_batch or self._bytes >= self._batching.max_bytes

    def _announce(self) -> None:
        """Set `changed` if a batch is ready. Otherwise set it after `linger` seconds."""
        if self.has_batch:
            self.changed.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._batching.linger, self._end_lingering)

    def _end_lingering(self) -> None:
        self._has_lingered = True
        self.changed.set()

    def _stop_lingering(self) -> None:
        self._has_lingered = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __repr__(self) -> str:
        return f"<WriteBuffer {len(self._events)} events, {self._bytes} bytes{', completed' if self.is_over else ''}>"
