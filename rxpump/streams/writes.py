"""Writing an Observable of events in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import reactivex
from reactivex import operators as rx

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.model.results import WriteResult
from rxpump.streams.appending import OpenAppender, append_in_order
from rxpump.streams.call import Call
from rxpump.streams.observable import Observable
from rxpump.streams.write_buffer import Batching, WriteBuffer
from rxpump.transport import Transport


class Writes(Call[WriteResult]):
    """The results of writing the events of an Observable to a stream, one WriteResult for each batch.

    Awaiting it returns the last result, None if there were no events.

    Events are written in the order of arrival. Events that arrive while a batch is being written form the next batch,
    so a slow source does not wait for a full batch. A fast source is paused while two full batches are buffered. If
    the source fails, the events before the failure are written, and then the failure is the error of this Observable.
    If a write fails, its error is the error of this Observable, and the subscription to the source is disposed.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        stream: str,
        events: reactivex.Observable[Any],
        open_appender: OpenAppender,
        *,
        expected_version: int,
        batching: Batching,
        transport: Transport,
    ) -> None:
        super().__init__(runtime, "publish")
        self._stream = stream
        self._events = events
        self._open_appender = open_appender
        self._expected_version = expected_version
        self._batching = batching
        self._transport = transport

    async def _open_pages(self) -> AsyncGenerator[list[WriteResult], None]:
        runtime, batching = self._runtime, self._batching
        buffer = WriteBuffer("publish", self._stream, batching, self._transport)
        task = asyncio.current_task()
        assert task is not None
        runtime.sinks[task] = buffer
        subscription = self._events.subscribe(buffer.on_next, buffer.on_error, buffer.on_completed)
        results = append_in_order(
            runtime, buffer, self._open_appender, self._expected_version, batching.max_in_flight
        )
        try:
            async for result in results:
                yield result
        finally:
            runtime.sinks.pop(task, None)
            buffer.close()
            subscription.dispose()
            await results.aclose()

    def __await__(self) -> Generator[Any, None, WriteResult | None]:  # type: ignore[override]
        """Write all events, and return the last result."""
        results: Observable[WriteResult | None] = self
        return results.pipe(rx.default_if_empty(None)).__await__()
