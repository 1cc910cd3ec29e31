"""Copy the results of a pipeline over one stream to another stream, each exactly once.

The progress of a relay is stored only in the target. The metadata of each event written contain its origin (`$relay`:
the source stream, the number of the source event, and the number of the result among those of the event), and its id
is derived from the origin. Each write expects the version that the previous write left. At every start, and after
every failure, the relay reads the last events of the target, continues at the source event that they name, and skips
the results that are already there. A write that was lost is written again; a write whose reply was lost is found; and
if two relays do the same work, each result is still written once.

A pipeline that drops events leaves no trace of them in the target. So that many dropped events are not read again at
every start, the relay writes hints: from time to time it saves in the metadata of the target the number up to which
all source events are finished (dropped or written). The relay is correct without hints. A relay whose pipeline
contains an operator of reactivex that may keep events (`rxpump.pipeline_root`) leaves no hints.

The pipeline must keep the order of its source, so that all results of one event come before those of the next. Plain
operators, `map_async` and `batch` keep it; operators that emit results as they finish do not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any

import reactivex

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.progress import Pending, ProgressTracker
from rxpump.backpressure.tracking import tracking
from rxpump.backpressure.upstream import Upstream
from rxpump.errors import InvalidArgument, RxPumpError, WrongExpectedVersion
from rxpump.model.events import Event
from rxpump.model.new_events import as_new_event
from rxpump.model.results import WriteResult
from rxpump.streams.appending import append_in_order
from rxpump.streams.observable import Piped
from rxpump.streams.relay_mark import Place, Start, find_start, leave_hint, mark
from rxpump.streams.retries import Retries
from rxpump.streams.source import PageSource, TaskObservable
from rxpump.streams.write_buffer import Batching, WriteBuffer
from rxpump.transport import Appender, Transport

_log = logging.getLogger("rxpump.relay")

HINT_EVERY = 1000
"""Number of source events without a result after which a hint is written."""

Pipeline = Callable[[reactivex.Observable[Event]], reactivex.Observable[Any]]


class Relay(PageSource[WriteResult]):
    """An Observable of a WriteResult for each batch that the relay writes.

    It ends when it is disposed, when the client drains, or with an error after which another attempt cannot succeed.

    Args:
        runtime: Tasks of the client.
        transport: Connection for reads and writes.
        source: Name of the stream to read.
        target: Name of the stream to write.
        follow: Function that returns the events of the source after a number: a subscription, or a read that ends.
        pipeline: Function that applies operators to the subscription.
        root_of: Function that returns the source of a pipeline, if no operator between may keep events unseen.
        retry: Pauses between attempts.
    """

    completes_on_drain = False

    def __init__(
        self,
        runtime: BackgroundTasks,
        transport: Transport,
        source: str,
        target: str,
        *,
        follow: Callable[[int], TaskObservable[Event]],
        pipeline: Pipeline,
        root_of: Callable[[reactivex.Observable[Any]], object],
        retry: Backoff,
    ) -> None:
        super().__init__(runtime, f"relay {source} to {target}", self._relay)
        self.source = source
        self.target = target
        self._transport = transport
        self._follow = follow
        self._pipeline = pipeline
        self._root_of = root_of
        self._retry = retry

    async def _relay(self) -> AsyncGenerator[list[WriteResult], None]:
        retries = Retries(self._retry, _log, f"the {self.name}")
        while True:
            try:
                start = await find_start(self._transport, self.source, self.target)
                retries.note_ready()
                progress = _RelayProgress(self.source, self.target, start, self._transport)
                async with aclosing(self._run(progress)) as results:
                    async for result in results:
                        retries.reset()
                        yield result
                return
            except RxPumpError as error:
                # Another program has written to the target. Find the new end of the target.
                if not error.retryable and not isinstance(error, WrongExpectedVersion):
                    raise
                await retries.wait_after(error)

    async def _run(self, progress: _RelayProgress) -> AsyncGenerator[list[WriteResult], None]:
        """Copy events, starting after the last one in the target, until the source ends or a request fails."""
        source = self._follow(progress.start.done)
        outcome = self._pipeline(Piped(source))
        watched = source if self._root_of(outcome) is source else None
        with tracking(watched, progress.count_dropped):
            subscription = outcome.subscribe(progress.leave, progress.buffer.on_error, progress.buffer.on_completed)
        results = append_in_order(
            self._runtime, progress.buffer, self._open_appender, progress.start.version, max_in_flight=1
        )
        hinting = self._runtime.start(self._leave_hints(progress), "leave hints")
        try:
            async for written in results:
                progress.note_written(written)
                yield written
            if progress.has_hint:
                await self._leave_hint(progress.done)
        finally:
            hinting.cancel()
            progress.buffer.close()
            subscription.dispose()
            await results.aclose()

    def _open_appender(self) -> Appender:
        return self._transport.appender(self.target)

    async def _leave_hints(self, progress: _RelayProgress) -> None:
        while True:
            await progress.hint_is_due.wait()
            progress.hint_is_due.clear()
            await self._leave_hint(progress.hint)

    async def _leave_hint(self, done: int) -> None:
        # A hint can fail for any reason. The next start then only reads more events.
        with suppress(RxPumpError):
            await leave_hint(self._transport, self.source, self.target, done)


class _RelayProgress:
    """The progress of one attempt: the source events that are finished, and the results that are not written yet."""

    def __init__(self, source: str, target: str, start: Start, transport: Transport) -> None:
        self.start = start
        self.buffer = WriteBuffer("the relay", target, Batching(), transport)
        self.done = start.done
        self.hint_is_due = asyncio.Event()
        self._source = source
        self._target = target
        self._limits = transport.limits
        self._place = Place(-1, -1)
        self._unwritten: deque[Pending] = deque()
        self.hint = start.done

    def count_dropped(self, tracker: ProgressTracker) -> None:
        """Count dropped events as finished, from the tracker of the source, because no operator keeps events."""
        tracker.on_passed = self._note_passed

    def _note_passed(self, entry: Pending) -> None:
        """Record that an event and all events before it are finished."""
        if isinstance(entry.item, Event):
            self.done = entry.item.received_number
            if self.done - max(self.hint, self._place.number) > HINT_EVERY:
                self.hint = self.done
                self.hint_is_due.set()

    @property
    def has_hint(self) -> bool:
        """Whether finished events after the last one with a result in the target make it worth saving `done`."""
        return self.done > self._place.number and self.done > self.start.done

    def note_written(self, results: Sequence[WriteResult]) -> None:
        """Mark the source events of written results as finished, unless other results of them are pending."""
        for result in results:
            for _ in range(result.last_event_number - result.first_event_number + 1):
                self._unwritten.popleft().release()

    def leave(self, item: object) -> None:
        """Write an item that the pipeline has emitted, with its place. Skip it if the target has it already.

        Raises:
            InvalidArgument: The pipeline changed the order of the events, or lost the event that the item comes from.
        """
        above = Upstream.current()
        entry = None if above is None else above.pending
        newest = None if above is None else above.newest
        # A batch has the place of its newest event, so that a larger batch after a restart is not skipped.
        origin = None if entry is None or newest is None else newest.item
        if entry is None or not isinstance(origin, Event):
            raise InvalidArgument(
                "pipeline",
                item,
                "operators that keep the order of their source, and do not deliver from a timer or another source",
            )
        number = origin.received_number
        if number < self._place.number:
            raise InvalidArgument("pipeline", item, "operators that keep the order of their source")
        self._place = Place(number, self._place.nth + 1 if number == self._place.number else 0)
        if self._place > self.start.place:
            self.buffer.on_next(
                mark(as_new_event(item, self._target, self._limits), origin, self._source, self._place)
            )
            entry.retain()
            self._unwritten.append(entry)
