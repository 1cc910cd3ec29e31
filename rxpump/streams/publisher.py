"""A sink: an Observer that writes what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from reactivex import abc
from reactivex.subject import Subject

from rxpump.backpressure.background_tasks import BackgroundTasks, Home
from rxpump.errors import ClientClosed, NotConnected
from rxpump.model.results import WriteResult
from rxpump.streams.appending import Append, append_in_order
from rxpump.streams.observable import Observable, Piped
from rxpump.streams.write_buffer import Batching, WriteBuffer


class Publisher(abc.ObserverBase[Any], abc.DisposableBase):
    """Writes events to one stream, in order; `source.subscribe(publisher)` pipes a stream into another.

    Give it NewEvents, or Events to copy (see `Client.publish`). It holds a source that is faster than the writing.
    `results` emits a WriteResult per batch as it is acknowledged, and ends as the writing ends; `await drained()`
    waits for that. A write that fails is raised by `drained()`, is the error of `results`, and is raised to the
    source with the next event, which ends its subscription; if nobody asks, the loop's exception handler gets it.
    """

    def __init__(
        self, runtime: BackgroundTasks, stream: str, append: Append, *, expected_version: int, batching: Batching
    ) -> None:
        self.stream = stream
        self._home = Home()
        self._inbox = WriteBuffer(f"the publisher to {stream}", stream, batching)
        self._results: Subject[WriteResult] = Subject()
        self._written = 0
        self._end: asyncio.Future[WriteResult | None] = asyncio.get_running_loop().create_future()
        results = append_in_order(runtime, self._inbox, append, expected_version, batching.max_in_flight)
        self._work = runtime.start(self._run(results), f"publish to {stream}")
        runtime.intakes.add(self._inbox.end_intake)
        self._work.add_done_callback(lambda _: runtime.intakes.discard(self._inbox.end_intake))

    @property
    def results(self) -> Observable[WriteResult]:
        """What was acknowledged, from now on."""
        return Piped(self._results)

    def on_next(self, value: Any) -> None:
        """Take an event. Raises what made the writing fail, NotConnected once it is over."""
        if self._end.done():
            raise self._end.exception() or NotConnected(f"done publishing to {self.stream}")
        self._inbox.on_next(value)

    def on_error(self, error: Exception) -> None:
        """The source failed: write what it gave, then fail with the same error."""
        self._inbox.on_error(error)

    def on_completed(self) -> None:
        """The source is over: write what it gave, then complete."""
        self._inbox.on_completed()

    async def drained(self) -> WriteResult | None:
        """Wait until the source is over and everything is acknowledged; give the last result, None if none was.

        Raises what made the source or a write fail. Giving up waiting does not end the writing.
        """
        return await asyncio.shield(self._end)

    def dispose(self) -> None:
        """Stop at once: what is not acknowledged may or may not be written."""
        if self._home.is_here():
            self._work.cancel()
        else:
            self._home.call(self._work.cancel)

    async def _run(self, results: AsyncGenerator[list[WriteResult], None]) -> None:
        last: WriteResult | None = None
        try:
            async for written in results:
                for last in written:
                    self._written += last.last_event_number - last.first_event_number + 1
                    self._results.on_next(last)
        except asyncio.CancelledError:
            self._fail(ClientClosed("the server", f"publishing to {self.stream} was ended"))
            self._end.exception()  # the program itself has ended it, so it need not be reported if nobody asks
            raise
        except Exception as error:
            self._fail(error)
        else:
            self._end.set_result(last)
            self._results.on_completed()
        finally:
            self._inbox.close()
            await results.aclose()

    def _fail(self, error: Exception) -> None:
        self._end.set_exception(error)
        self._results.on_error(error)

    def __repr__(self) -> str:
        state = "done" if self._end.done() else "writing"
        return f"<Publisher to {self.stream}, {state}, {self._written} events written, {self._inbox!r}>"
