"""What a source has given a writer and is not written yet."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from rxpump.backpressure.background_tasks import Home
from rxpump.backpressure.upstream import Upstream, Watermarks
from rxpump.errors import RxPumpError
from rxpump.model import checks
from rxpump.model.new_events import NewEvent, as_new_event

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
            checks.count(name, getattr(self, name))
        checks.seconds("linger", self.linger, least=0)


class WriteBuffer:
    """Takes events in as an observer, and returns them in batches.

    It holds the source that fills it while two batches wait, or as many events as there may be writes, if these are
    more. What came before the source ended is still returned; then `failure` tells whether it ended well.

    Attributes:
        changed: Set when a batch may have become ready, and when the source is over. Its reader clears it.
    """

    def __init__(self, name: str, stream: str, batching: Batching) -> None:
        self.failure: Exception | None = None
        self.is_over: bool = False
        self.changed: asyncio.Event = asyncio.Event()
        self._home = Home()
        self._stream = stream
        self._knows_its_end = False
        self._batching = batching
        self._watermarks = Watermarks(name, high=max(2 * batching.max_batch, batching.max_in_flight))
        self._events: deque[NewEvent] = deque()
        self._bytes = 0
        self._has_lingered = False
        self._timer: asyncio.TimerHandle | None = None

    def on_next(self, item: object) -> None:
        """Keep an event.

        One from another thread is kept in the loop, soon; what is wrong with it is then the failure of the source.

        Raises:
            InvalidArgument: The item is no event.
            BufferOverflow: The source cannot be asked to wait.
        """
        if not self._home.is_here():
            self._home.call(self._on_next_soon, item)
            return
        event = as_new_event(item, self._stream)
        self._knows_its_end = self._knows_its_end or Upstream.current() is not None
        self._watermarks.kept(len(self._events) + 1)
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
        """Note that the source failed."""
        if not self._home.is_here():
            self._home.call(self.on_error, error)
            return
        self.failure = error
        self.on_completed()

    def on_completed(self) -> None:
        """Note that nothing more comes."""
        if not self._home.is_here():
            self._home.call(self.on_completed)
            return
        self.is_over = True
        self.changed.set()

    def end_intake(self) -> None:
        """The client is draining: a source of ours will complete, any other is cut off here."""
        if not self._knows_its_end:
            self.on_completed()

    @property
    def has_batch(self) -> bool:
        """Whether there are events, and they need not wait for more to go with them."""
        return bool(self._events) and (
            not self._batching.linger or self._has_lingered or self.is_over or self._is_filled
        )

    def take(self) -> list[NewEvent]:
        """Return as many of the events that wait as fit a batch."""
        batch: list[NewEvent] = []
        size = 0
        while self._events and len(batch) < self._batching.max_batch:
            following = size + self._events[0].size
            if batch and following > self._batching.max_bytes:
                break
            size = following
            batch.append(self._events.popleft())
        self._bytes -= size
        self._watermarks.left(len(self._events))
        self._stop_lingering()
        if self._events:
            self._announce()
        return batch

    def close(self) -> None:
        """Hold nobody any more."""
        self._stop_lingering()
        self._watermarks.close()

    @property
    def _is_filled(self) -> bool:
        return len(self._events) >= self._batching.max_batch or self._bytes >= self._batching.max_bytes

    def _announce(self) -> None:
        """Tell that there are events; those that do not fill a batch only after they have lingered."""
        if self.has_batch:
            self.changed.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._batching.linger, self._linger_is_over)

    def _linger_is_over(self) -> None:
        self._has_lingered = True
        self.changed.set()

    def _stop_lingering(self) -> None:
        self._has_lingered = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __repr__(self) -> str:
        return f"<WriteBuffer {len(self._events)} events, {self._bytes} bytes{', over' if self.is_over else ''}>"
