"""Writing a stream of events: what arrives while one batch is being written becomes the next.

Batches are written one after the other, so the order is the order of arrival whatever happens to a write.
What waits is bounded: beyond two batches the source is held. A slow source is not made to wait for a full
batch, a fast one fills them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from itertools import islice
from typing import Any

import reactivex
from reactivex import operators as rx

from rxpump.expected_version import ExpectedVersion
from rxpump.flow import Brake
from rxpump.new_event import NewEvent, as_new_event
from rxpump.runtime import Runtime
from rxpump.streams.observable import Observable
from rxpump.streams.source import Source
from rxpump.write_result import WriteResult

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""A batch ends with the event that brings it over this; one large event is a batch of its own."""

Append = Callable[[Sequence[NewEvent], int], Awaitable[WriteResult]]


class Writes(Source[WriteResult]):
    """A WriteResult per batch, while `events` is being written. Awaited: the last one, None if none was."""

    def __init__(
        self,
        runtime: Runtime,
        events: reactivex.Observable[Any],
        append: Append,
        *,
        expected_version: int,
        batch_size: int,
    ) -> None:
        super().__init__(runtime, "publish", lambda: _write(events, append, expected_version, batch_size))

    def __await__(self) -> Generator[Any, None, WriteResult | None]:  # type: ignore[override]
        """Write everything."""
        last: Observable[WriteResult | None] = self.pipe(rx.default_if_empty(None))
        return last.__await__()


class _Inbox:
    """What a source has given and is not written yet."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.brake = Brake("publish", high=2 * batch_size)
        self.failure: Exception | None = None
        self.is_over = False
        self._events: deque[NewEvent] = deque()
        self._arrived = asyncio.Event()

    def on_next(self, item: object) -> None:
        """Keep an event."""
        event = as_new_event(item)
        self.brake.kept(len(self._events) + 1)
        self._events.append(event)
        self._arrived.set()

    def on_error(self, error: Exception) -> None:
        """Note that the source failed; what it gave before is still written."""
        self.failure = error
        self.on_completed()

    def on_completed(self) -> None:
        """Note that nothing more comes."""
        self.is_over = True
        self._arrived.set()

    async def next_batch(self) -> list[NewEvent]:
        """Wait for events and take as many as fit a batch; none when the source is over."""
        while not self._events and not self.is_over:
            self._arrived.clear()
            await self._arrived.wait()
        batch: list[NewEvent] = []
        size = 0
        for event in islice(self._events, self.batch_size):
            size += event.size
            if batch and size > MAX_BATCH_BYTES:
                break
            batch.append(event)
        for _ in batch:
            self._events.popleft()
        self.brake.left(len(self._events))
        return batch


async def _write(
    events: reactivex.Observable[Any], append: Append, expected_version: int, batch_size: int
) -> AsyncGenerator[list[WriteResult], None]:
    inbox = _Inbox(batch_size)
    subscription = events.subscribe(inbox.on_next, inbox.on_error, inbox.on_completed)
    try:
        while batch := await inbox.next_batch():
            result = await append(batch, expected_version)
            if expected_version not in (ExpectedVersion.ANY, ExpectedVersion.STREAM_EXISTS):
                expected_version = result.last_event_number
            yield [result]
        if inbox.failure is not None:
            raise inbox.failure
    finally:
        inbox.brake.close()
        subscription.dispose()
