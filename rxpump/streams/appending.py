"""Append batches to a stream in order, with several batches in flight.

An `Appender` of the transport keeps the order of appends, so a batch is sent while earlier ones are in flight. Only
the first batch is waited for: until an append has succeeded, it is unknown whether the server accepts any.

With an exact expected version, each batch expects the version that the batch before it leaves. The server then always
recognizes a repeated append, and a batch cannot overtake another one that is being retried: its version is refused.
Such a refusal is not a conflict. The batch is sent again when its predecessor has succeeded. A batch that is refused
although the server has confirmed its expected version is a conflict, and ends the writing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import WrongExpectedVersion
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.model.results import WriteResult
from rxpump.streams.instrumented import append_buffered
from rxpump.streams.write_buffer import WriteBuffer
from rxpump.transport import Appender

OpenAppender = Callable[[], Appender]
"""Function that opens an appender for one run of `append_in_order`."""


class _Sent:
    """A batch in flight.

    Attributes:
        events: Its events.
        expected: Version that it expects.
        is_certain: Whether the server has confirmed that the stream has this version.
        work: Task of the append.
    """

    def __init__(
        self, events: list[NewEvent], expected: int, is_certain: bool, work: asyncio.Task[WriteResult]
    ) -> None:
        self.events = events
        self.expected = expected
        self.is_certain = is_certain
        self.work = work


class _Writing:
    """The batches in flight, the oldest first, and the version that the next batch expects.

    Args:
        runtime: Background tasks of the client.
        buffer: Buffer of the events, whose `changed` is set when an append has succeeded or failed.
        appender: Appends the batches.
        expected_version: Version that the first batch expects.
    """

    def __init__(
        self, runtime: BackgroundTasks, buffer: WriteBuffer, appender: Appender, expected_version: int
    ) -> None:
        self.sent: deque[_Sent] = deque()
        self.has_succeeded = False
        self._runtime = runtime
        self._appender = appender
        self._buffer = buffer
        self._is_exact = expected_version not in (ExpectedVersion.ANY, ExpectedVersion.STREAM_EXISTS)
        self._next_version = self._confirmed = expected_version

    def send(self, events: list[NewEvent]) -> None:
        """Append a batch after those in flight."""
        self.sent.append(self._start(events, self._next_version))
        if self._is_exact:
            self._next_version += len(events)

    def settle(self) -> list[WriteResult]:
        """Return the results of the oldest completed batches. Send batches again that had overtaken another.

        Raises:
            RxPumpError: The oldest batch failed.
        """
        results: list[WriteResult] = []
        while self.sent and self.sent[0].work.done():
            oldest = self.sent[0]
            try:
                result = oldest.work.result()
            except Exception as error:
                if isinstance(error, WrongExpectedVersion) and not oldest.is_certain:
                    self.sent[0] = self._start(oldest.events, self._confirmed)
                elif not results:
                    raise
                break  # The results of earlier batches are returned first.
            self.sent.popleft()
            results.append(result)
            self.has_succeeded = True
            if self._is_exact:
                self._confirmed = result.last_event_number
                if not self.sent:
                    self._next_version = self._confirmed
        return results

    def cancel(self) -> None:
        """Cancel the appends in flight, and close the appender."""
        for each in self.sent:
            each.work.cancel()
        self._appender.close()

    def _start(self, events: list[NewEvent], version: int) -> _Sent:
        buffer = self._buffer
        appending = append_buffered(buffer.transport, self._appender, buffer.stream, events, version)
        work = self._runtime.start(appending, "append")
        work.add_done_callback(self._note)
        return _Sent(events, version, version == self._confirmed, work)

    def _note(self, work: asyncio.Task[WriteResult]) -> None:
        """Mark an exception as retrieved, so that asyncio does not report it if no caller awaits the batch."""
        if not work.cancelled():
            work.exception()
        self._buffer.changed.set()


async def append_in_order(
    runtime: BackgroundTasks,
    buffer: WriteBuffer,
    open_appender: OpenAppender,
    expected_version: int,
    max_in_flight: int,
) -> AsyncGenerator[list[WriteResult], None]:
    """Append the events of a buffer until its source has ended.

    Yields:
        Results of batches in order, one or more at a time.
    """
    writing = _Writing(runtime, buffer, open_appender(), expected_version)
    try:
        while True:
            buffer.changed.clear()
            while results := writing.settle():
                yield results
            room = max_in_flight if writing.has_succeeded else 1
            while len(writing.sent) < room and buffer.has_batch:
                writing.send(buffer.take())
            if buffer.is_over and not writing.sent:
                break
            await buffer.changed.wait()
        if buffer.failure is not None:
            raise buffer.failure
    finally:
        writing.cancel()
