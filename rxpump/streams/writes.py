"""Writing a stream of events: what arrives while one batch is being written becomes the next."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

import reactivex
from reactivex import operators as rx

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.model.results import WriteResult
from rxpump.streams.appending import Append, append_in_order
from rxpump.streams.call import Call
from rxpump.streams.observable import Observable
from rxpump.streams.write_buffer import Batching, WriteBuffer


class Writes(Call[WriteResult]):
    """A WriteResult per batch, while `events` is being written. Awaited: the last one, None if none was.

    The order is the order of arrival. A slow source is not made to wait for a full batch, a fast one fills
    them and is held while two wait. What the source gave before it failed is written, then the failure is
    the error; a write that fails is the error, and disposes the source.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        stream: str,
        events: reactivex.Observable[Any],
        append: Append,
        *,
        expected_version: int,
        batching: Batching,
    ) -> None:
        async def write() -> AsyncGenerator[list[WriteResult], None]:
            inbox = WriteBuffer("publish", stream, batching)
            runtime.intakes.add(inbox.end_intake)
            subscription = events.subscribe(inbox.on_next, inbox.on_error, inbox.on_completed)
            results = append_in_order(runtime, inbox, append, expected_version, batching.max_in_flight)
            try:
                async for result in results:
                    yield result
            finally:
                runtime.intakes.discard(inbox.end_intake)
                inbox.close()
                subscription.dispose()
                await results.aclose()

        super().__init__(runtime, "publish", write)

    def __await__(self) -> Generator[Any, None, WriteResult | None]:  # type: ignore[override]
        """Write everything."""
        results: Observable[WriteResult | None] = self
        return results.pipe(rx.default_if_empty(None)).__await__()
