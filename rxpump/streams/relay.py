"""A stream, a pipeline, a stream: every result written exactly once, with nothing kept anywhere else.

The target itself says how far the relay has come. Each event written carries in its metadata where it came
from (`$relay`: stream, number of the source event, which of its results) and an id derived from that; each
write expects the exact version that the one before it left. So on every start, and after every failure, the
relay reads the target's last events, goes back to the source event that they name, and skips the results that
are there. A write that was lost on the way is written; one of which only the answer was lost is recognised; and
two relays doing the same work take turns instead of doubling it.

A pipeline that drops events leaves no trace of them in the target. So that a long tail of dropped events is not read
again at every start, the relay writes from time to time into the metadata of the target up to which source event
everything is finished: dropped, or written. That is a hint, and never needed for correctness. A relay whose pipeline
contains an operator of reactivex that may keep events (`rxpump.pipeline_root`) leaves no hints.

What the pipeline must keep is the order of its source, so that the results of one event come together and
before those of the next. Plain operators, `map_async` and `batch` do; what finishes out of order does not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any

import reactivex

from rxpump.backoff import Backoff, Failures
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.progress import Pending, ProgressTracker
from rxpump.backpressure.tracking import tracking
from rxpump.backpressure.upstream import Upstream
from rxpump.errors import InvalidArgument, RxPumpError, WrongExpectedVersion
from rxpump.model.events import Event
from rxpump.model.new_events import as_new_event
from rxpump.model.results import WriteResult
from rxpump.streams.appending import append_in_order
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.observable import Piped
from rxpump.streams.relay_mark import Place, Start, find_start, leave_hint, mark
from rxpump.streams.source import PageSource
from rxpump.streams.write_buffer import Batching, WriteBuffer
from rxpump.transport import Appender, Transport

HINT_EVERY = 1000
"""Number of source events without a result after which a hint is left."""

Pipeline = Callable[[reactivex.Observable[Event]], reactivex.Observable[Any]]


class Relay(PageSource[WriteResult]):
    """An Observable of a WriteResult for each batch that the relay writes.

    It ends when it is disposed, when the client drains, or with an error that another attempt cannot mend.

    Args:
        runtime: Tasks of the client.
        transport: Connection for reads and writes.
        source: Name of the stream to read.
        target: Name of the stream to write.
        follow: Function that returns a subscription to the events of the source after a number.
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
        follow: Callable[[int], CatchUp],
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
        failures = Failures(self._retry)
        while True:
            try:
                start = await find_start(self._transport, self.source, self.target)
                async with aclosing(self._run(_RelayProgress(self.source, self.target, start))) as results:
                    async for result in results:
                        failures.reset()
                        yield result
                return
            except RxPumpError as error:
                # A conflict means that somebody else has written: look again where the target is.
                if not error.retryable and not isinstance(error, WrongExpectedVersion):
                    raise
                await asyncio.sleep(failures.next_endless_delay())

    async def _run(self, progress: _RelayProgress) -> AsyncGenerator[list[WriteResult], None]:
        """Go once from where the target is, until the source ends or something fails."""
        source = self._follow(progress.start.done)
        outcome = self._pipeline(Piped(source))
        watched = source if self._root_of(outcome) is source else None
        with tracking(watched, progress.count_dropped):
            subscription = outcome.subscribe(progress.leave, progress.inbox.on_error, progress.inbox.on_completed)
        results = append_in_order(
            self._runtime, progress.inbox, self._open_appender, progress.start.version, max_in_flight=1
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
            progress.inbox.close()
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
        # Not permitted, overtaken, cut off: whatever it is, the next start only reads a little more.
        with suppress(RxPumpError):
            await leave_hint(self._transport, self.source, self.target, done)


class _RelayProgress:
    """One run: the source events that are finished, and the results that are to be written."""

    def __init__(self, source: str, target: str, start: Start) -> None:
        self.start = start
        self.inbox = WriteBuffer("the relay", target, Batching())
        self.done = start.done
        self.hint_is_due = asyncio.Event()
        self._source = source
        self._target = target
        self._place = Place(-1, -1)
        self._unwritten: deque[Pending] = deque()
        self.hint = start.done

    def count_dropped(self, tracker: ProgressTracker) -> None:
        """Leave hints by the tracker of the source: no operator keeps events unseen."""
        tracker.on_passed = self._note_passed

    def _note_passed(self, entry: Pending) -> None:
        """Note the last event that is finished with all before it."""
        if isinstance(entry.item, Event):
            self.done = entry.item.received_number
            if self.done - max(self.hint, self._place.number) > HINT_EVERY:
                self.hint = self.done
                self.hint_is_due.set()

    @property
    def has_hint(self) -> bool:
        """Whether events are finished of which the end of the target shows nothing."""
        return self.done > self._place.number and self.done > self.start.done

    def note_written(self, results: Sequence[WriteResult]) -> None:
        """Release the source events of results that are written."""
        for result in results:
            for _ in range(result.last_event_number - result.first_event_number + 1):
                self._unwritten.popleft().release()

    def leave(self, item: object) -> None:
        """Write a result that leaves the pipeline, with its place, unless the target has it."""
        above = Upstream.current()
        entry = None if above is None else above.pending
        newest = None if above is None else above.newest
        # A batch has the place of its newest event, because one that is larger after a restart must not be skipped.
        origin = None if entry is None or newest is None else newest.item
        if entry is None or not isinstance(origin, Event):
            raise InvalidArgument("pipeline", item, "operators that keep the order and the Upstream of their source")
        number = origin.received_number
        if number < self._place.number:
            raise InvalidArgument("pipeline", item, "operators that keep the order of their source")
        self._place = Place(number, self._place.nth + 1 if number == self._place.number else 0)
        if self._place > self.start.place:
            self.inbox.on_next(mark(as_new_event(item, self._target), origin, self._source, self._place))
            entry.retain()
            self._unwritten.append(entry)
