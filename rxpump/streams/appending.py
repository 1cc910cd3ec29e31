"""Batches written in order, several under way at once.

Writes that follow each other on one connection are done in that order (docs/protocol/tcp.md, section 4.1), so there
is no need to wait for one before sending the next, except for the first: until a write has succeeded it is not known
that the server takes any. Batches that are ready in one turn of the event loop are sent in one turn, so that the
connection sends them together; each is one task.

With an exact expected version each batch expects what the one before it will leave. That makes a repeated
write recognisable for ever, and keeps the order through anything: a batch whose predecessor is being retried
is refused by its version. Such a refusal is no conflict: when the predecessor is done, the batch is sent again.
A batch that is refused on a version which the server has confirmed is one, and ends the writing.
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
from rxpump.streams.write_buffer import WriteBuffer
from rxpump.transport import Appender

OpenAppender = Callable[[], Appender]


class _Sent:
    """A batch under way; `is_certain`: it was sent on a version that the server has confirmed."""

    def __init__(
        self, events: list[NewEvent], expected: int, is_certain: bool, work: asyncio.Task[WriteResult]
    ) -> None:
        self.events = events
        self.expected = expected
        self.is_certain = is_certain
        self.work = work


class _Writing:
    """The batches under way, oldest first, and the version that the next one expects.

    `on_done` is called when any of them is done.
    """

    def __init__(
        self, runtime: BackgroundTasks, appender: Appender, expected_version: int, on_done: Callable[[], None]
    ) -> None:
        self.sent: deque[_Sent] = deque()
        self.has_succeeded = False
        self._runtime = runtime
        self._appender = appender
        self._on_done = on_done
        self._is_exact = expected_version not in (ExpectedVersion.ANY, ExpectedVersion.STREAM_EXISTS)
        self._next_version = self._confirmed = expected_version

    def send(self, events: list[NewEvent]) -> None:
        """Write a batch after those under way."""
        self.sent.append(self._start(events, self._next_version))
        if self._is_exact:
            self._next_version += len(events)

    def settle(self) -> list[WriteResult]:
        """Return the results of the oldest batches that are done; send a batch again that came before its turn.

        Raises:
            RxPumpError: What the server refused the oldest batch for.
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
                break  # what was written before it is told first
            self.sent.popleft()
            results.append(result)
            self.has_succeeded = True
            if self._is_exact:
                self._confirmed = result.last_event_number
                if not self.sent:
                    self._next_version = self._confirmed
        return results

    def cancel(self) -> None:
        """Wait for nothing more."""
        for each in self.sent:
            each.work.cancel()
        self._appender.close()

    def _start(self, events: list[NewEvent], version: int) -> _Sent:
        work = self._runtime.start(self._appender.append(events, version), "append")
        work.add_done_callback(self._note)
        return _Sent(events, version, version == self._confirmed, work)

    def _note(self, work: asyncio.Task[WriteResult]) -> None:
        """Look at its failure, which is met when its turn comes: then there may be nobody left to ask."""
        if not work.cancelled():
            work.exception()
        self._on_done()


async def append_in_order(
    runtime: BackgroundTasks,
    inbox: WriteBuffer,
    open_appender: OpenAppender,
    expected_version: int,
    max_in_flight: int,
) -> AsyncGenerator[list[WriteResult], None]:
    """Write what arrives in `inbox` until it is over.

    Yields:
        The results of the batches that are done, in order; one or more.
    """
    writing = _Writing(runtime, open_appender(), expected_version, inbox.changed.set)
    try:
        while True:
            inbox.changed.clear()
            while results := writing.settle():
                yield results
            room = max_in_flight if writing.has_succeeded else 1
            while len(writing.sent) < room and inbox.has_batch:
                writing.send(inbox.take())
            if inbox.is_over and not writing.sent:
                break
            await inbox.changed.wait()
        if inbox.failure is not None:
            raise inbox.failure
    finally:
        writing.cancel()
