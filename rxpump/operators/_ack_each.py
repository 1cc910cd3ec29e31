"""`ack_each`: acknowledge deliveries that are finished."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Final, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.backpressure.background_tasks import LoopCaller
from rxpump.backpressure.progress import DeliveryTracker, Pending, ProgressTracker
from rxpump.backpressure.tracking import tracking_deliveries
from rxpump.backpressure.upstream import Upstream
from rxpump.errors import InvalidArgument
from rxpump.pipeline_root import may_keep_items

T = TypeVar("T")

_TRACEABLE: Final = (
    "items that come from a persistent subscription with no other ack_each, through operators that deliver at once "
    "and those of rxpump.operators; operators that deliver later from a task or timer of their own (delay, "
    "observe_on, flat_map to something asynchronous), and stages behind a merge, cannot be traced: put ack_each "
    "before them, or use map_async"
)


def ack_each() -> Callable[[Observable[T]], Observable[T]]:
    """Pass items on, and acknowledge each delivery when the operators above have finished it.

        ──1───2───3───4───5──▶       deliveries
            map_async(work)
        ──────r1──r2──────r4─▶       3 was filtered out behind it
               ack_each()
        ──────r1──r2──────r4─▶       acknowledged: 1, 2, 3, 4

        client.connect_subscription("billing", "orders", buffer_size=50).pipe(
            ops.json(), ops.map_async(book, max_concurrent=8), ops.ack_each()
        ).subscribe()

    A delivery is finished when everything that the operators above made of it has been delivered through this
    operator, and every delivery before it is finished. `on_next` below must have returned. Dropped deliveries are
    finished too. So deliveries are acknowledged in the order in which they came, and a slow one delays those after
    it. Deliveries that were acknowledged or nacked before are skipped, and so are those of a lost connection,
    because the server delivers them again.

    When the source completes, every finished delivery is acknowledged before the operator completes. When the source
    fails or the subscription is disposed, only the deliveries that are finished by then are acknowledged. A delivery
    whose subscriber raises is not acknowledged.

    The work must be done above, because everything below is regarded as finished. A program that works in
    the body of an `async for` should call `delivery.ack()` there instead.

    An operator of reactivex above that may keep items (`rx.buffer_with_count`, `rx.pairwise`, `rx.zip`) does not
    show whether it dropped a delivery or keeps it. Below such an operator, deliveries are acknowledged only up to
    the newest that has arrived here. Choose a `buffer_size` larger than the number of deliveries that it keeps,
    because the server sends no more.

    Returns:
        An operator. Below it, InvalidArgument is the error of an item whose delivery is not known.
    """

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            return _Acknowledging(observer).attach(source, scheduler)

        return Observable(subscribe)

    return operator


class _Acknowledging(abc.ObserverBase[T], abc.DisposableBase, Generic[T]):
    """One subscription. It acknowledges the deliveries that the trackers of its sources pass."""

    def __init__(self, observer: abc.ObserverBase[T]) -> None:
        self._observer = observer
        self._source = SingleAssignmentDisposable()
        self._loop_caller = LoopCaller()
        self._sources: list[_Source] = []  # There are several after a retry or in a merge.
        self._delivering: Pending | None = None
        self._handled_above: BaseException | None = None  # The delivery began in an `except` block of this exception.
        self._below = ProgressTracker()
        self._counts_dropped = True

    def attach(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> _Acknowledging[T]:
        """Subscribe to the source."""
        self._counts_dropped = not may_keep_items(source)
        with tracking_deliveries(self._await):
            self._source.disposable = source.subscribe(self, scheduler=scheduler)
        return self

    def on_next(self, value: T) -> None:
        """Deliver an item, and mark its delivery as finished when the subscriber has returned."""
        above = Upstream.current()
        entry = None if above is None else above.pending
        source = None if entry is None else self._source_of(entry.tracker)
        if above is None or entry is None or source is None:
            for each in self._sources:
                each.tracker.end()
            self._source.dispose()
            self._observer.on_error(InvalidArgument("source of ack_each", above, _TRACEABLE))
            return
        newest = above.newest
        entry.retain()
        below = self._below.begin(None if newest is None else newest.item)
        outer = self._delivering, self._handled_above
        self._delivering, self._handled_above = entry, sys.exception()
        try:
            above.deliver(self._observer.on_next, value, below, below)
        except BaseException:
            entry.abandon()
            raise
        finally:
            self._delivering, self._handled_above = outer
        below.release()
        if newest is not None and not entry.is_abandoned:
            source.note_arrival(newest)
        entry.release()

    def on_error(self, error: Exception) -> None:
        """Fail. Deliveries that are not finished are not acknowledged."""
        for each in self._sources:
            each.tracker.end()
        self._observer.on_error(error)

    def on_completed(self) -> None:
        """Complete, and acknowledge every delivery that no operator keeps."""
        for each in self._sources:
            each.note_completed()
        self._end_soon()
        self._observer.on_completed()

    def dispose(self) -> None:
        """Unsubscribe.

        If the subscriber disposes during a delivery, that delivery is regarded as finished, unless the subscriber is
        raising an exception.
        """
        if self._delivering is not None and sys.exception() is not self._handled_above:
            self._delivering.abandon()
        self._source.dispose()
        self._end_soon()

    def _end_soon(self) -> None:
        """End after the running delivery, if there is one, so that it is also acknowledged."""
        with suppress(RuntimeError):  # The event loop is closed.
            for each in self._sources:
                self._loop_caller.call(each.tracker.end)

    def _await(self, tracker: DeliveryTracker) -> None:
        """Use the tracker of the first source, and that of a later source if the earlier sources have ended."""
        if all(each.tracker.source_is_over for each in self._sources):
            self._source_of(tracker)

    def _source_of(self, tracker: ProgressTracker) -> _Source | None:
        for each in self._sources:
            if each.tracker is tracker:
                return each
        for each in self._sources:
            if each.tracker.source_is_over and not len(each.tracker):
                each.tracker.end()
        self._sources = [each for each in self._sources if not each.tracker.is_over]
        if not isinstance(tracker, DeliveryTracker):
            return None
        source = _Source(tracker, counts_dropped=self._counts_dropped)
        if not tracker.claim(source.note_passed):
            return None
        self._sources.append(source)
        return source

    def __repr__(self) -> str:
        return f"<Acknowledging, {self._sources!r}>"


class _Source:
    """The deliveries of one source. Those that its tracker passes are acknowledged in order.

    Args:
        tracker: Tracker of the source.
        counts_dropped: Whether a delivery that produces no item was dropped. If False, an operator may keep it, so
            it is acknowledged only when it or a later delivery has arrived.
    """

    def __init__(self, tracker: DeliveryTracker, *, counts_dropped: bool) -> None:
        self.tracker = tracker
        self._passed: deque[Pending] = deque()
        self._newest: float = inf if counts_dropped else 0

    def note_passed(self, entry: Pending) -> None:
        """Acknowledge a passed delivery, unless an operator may keep it."""
        self._passed.append(entry)
        self._acknowledge()

    def note_arrival(self, newest: Pending) -> None:
        """Allow acknowledgements up to this delivery, and send those of the deliveries that are passed."""
        self._newest = max(self._newest, newest.number)
        self._acknowledge()

    def note_completed(self) -> None:
        """Acknowledge all passed deliveries, because completed operators keep nothing."""
        self._newest = inf
        self._acknowledge()

    def _acknowledge(self) -> None:
        while self._passed and self._passed[0].number <= self._newest:
            delivery = self._passed.popleft().item
            if not delivery.is_expired:
                delivery.ack()

    def __repr__(self) -> str:
        return f"<{self.tracker!r}, {len(self._passed)} may be kept above>"
