"""An observer that writes the events it receives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from reactivex import abc
from reactivex.subject import Subject

from rxpump.backpressure.background_tasks import BackgroundTasks, LoopCaller
from rxpump.errors import ClientClosed, NotConnected
from rxpump.model.results import WriteResult
from rxpump.streams.appending import OpenAppender, append_in_order
from rxpump.streams.observable import Observable, Piped
from rxpump.streams.write_buffer import Batching, WriteBuffer
from rxpump.transport import Transport


class Publisher(abc.ObserverBase[Any], abc.DisposableBase):
    """An observer that writes events to one stream, in order. `Client.publisher` makes one.

    It accepts NewEvents, and Events to copy (see `Client.publish`). It pauses its source while its buffer is full.

    If a write fails, `drained()` raises the error, `results` fails with it, and `on_next` raises it when the next
    event arrives, which ends the subscription of the source. If the program uses neither, the exception handler of
    the event loop gets the error.

    Example:
        publisher = client.publisher("invoices")
        client.stream("orders").pipe(rx.map(to_invoice)).subscribe(publisher)
        await publisher.drained()
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        stream: str,
        open_appender: OpenAppender,
        *,
        expected_version: int,
        batching: Batching,
        transport: Transport,
    ) -> None:
        self.stream = stream
        self._runtime = runtime
        self._loop_caller = LoopCaller()
        self._buffer = WriteBuffer(f"the publisher to {stream}", stream, batching, transport)
        self._results: Subject[WriteResult] = Subject()
        self._written = 0
        self._end: asyncio.Future[WriteResult | None] = asyncio.get_running_loop().create_future()
        results = append_in_order(runtime, self._buffer, open_appender, expected_version, batching.max_in_flight)
        self._work = runtime.start(self._run(results), f"publish to {stream}")
        runtime.sinks[self._work] = self._buffer
        self._work.add_done_callback(self._ended)

    @property
    def results(self) -> Observable[WriteResult]:
        """A WriteResult for each batch that the server acknowledges from now on; it ends when the writing ends."""
        return Piped(self._results)

    def on_next(self, value: Any) -> None:
        """Add an event to the buffer.

        Raises:
            InvalidArgument: The value is not an event.
            BufferOverflow: The buffer is full and the source cannot be paused.
            NotConnected: The writing has completed.
            Exception: The error that made the writing fail.
        """
        if self._end.done():
            raise self._end.exception() or NotConnected(f"done publishing to {self.stream}")
        self._buffer.on_next(value)

    def on_error(self, error: Exception) -> None:
        """Write the buffered events, then fail with `error`, the error of the source."""
        self._buffer.on_error(error)

    def on_completed(self) -> None:
        """Write the buffered events, then complete."""
        self._buffer.on_completed()

    async def drained(self) -> WriteResult | None:
        """Wait until the source has ended and all its events are acknowledged.

        If the wait is cancelled, the writing continues.

        Returns:
            The last result, None if nothing was written.

        Raises:
            ClientClosed: The publisher was disposed, or the client was closed.
            Exception: The error of the source or of a write.
        """
        return await asyncio.shield(self._end)

    def dispose(self) -> None:
        """Stop at once. It is unknown whether events that are not acknowledged are written."""
        if self._loop_caller.is_in_loop():
            self._work.cancel()
        else:
            self._loop_caller.call(self._work.cancel)

    async def _run(self, results: AsyncGenerator[list[WriteResult], None]) -> None:
        last: WriteResult | None = None
        try:
            async for written in results:
                for last in written:
                    self._written += last.last_event_number - last.first_event_number + 1
                    self._results.on_next(last)
        except Exception as error:
            self._fail(error)
        else:
            self._end.set_result(last)
            self._results.on_completed()
        finally:
            self._buffer.close()
            await results.aclose()

    def _ended(self, work: asyncio.Task[None]) -> None:
        """Fail if the writing was cancelled. A task that is cancelled before it has begun does not run at all."""
        self._runtime.sinks.pop(work, None)
        self._buffer.close()
        if work.cancelled() and not self._end.done():
            self._fail(ClientClosed(self._runtime.peer, f"publishing to {self.stream} was ended"))
            self._end.exception()  # Mark the error as retrieved, because the program itself ended the writing.

    def _fail(self, error: Exception) -> None:
        self._end.set_exception(error)
        self._results.on_error(error)

    def __repr__(self) -> str:
        state = "done" if self._end.done() else "writing"
        return f"<Publisher to {self.stream}, {state}, {self._written} events written, {self._buffer!r}>"
