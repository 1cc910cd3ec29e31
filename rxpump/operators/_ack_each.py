"""`ack_each`: acknowledge what came through."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.backpressure.passage import Passage, awaiting_passage
from rxpump.backpressure.upstream import Upstream
from rxpump.errors import InvalidArgument
from rxpump.model.deliveries import Delivery

T = TypeVar("T")

_TRACEABLE: Final = (
    "items that come from a persistent subscription with no other ack_each, through plain operators and those of "
    "rxpump.operators; of what another's task or timer delivers later (delay, observe_on, flat_map to something "
    "asynchronous), or a stage behind a merge, nobody knows which delivery it comes of: acknowledge before that, or "
    "use map_async"
)


def ack_each() -> Callable[[Observable[T]], Observable[T]]:
    """Pass items on, and acknowledge each delivery of which everything has come through here.

        ──1───2───3───4───5──▶       deliveries
            map_async(work)
        ──────r1──r2──────r4─▶       3 was filtered out behind it
               ack_each()
        ──────r1──r2──────r4─▶       acknowledged: 1, 2, 3, 4

        client.connect_subscription("billing", "orders", buffer_size=50).pipe(
            ops.json(), ops.map_async(book, max_concurrent=8), ops.ack_each()
        ).subscribe()

    A delivery is done when all that came of it has been delivered through here (and taken: `on_next` below has
    returned), and so is what was delivered before it. What is dropped between counts as done, also where all is. So
    deliveries are acknowledged in the order in which they came, whatever order the work finishes in, and one that
    takes long holds back those after it. Deliveries that were nacked or acknowledged on the way stay that, and those
    of a connection that was lost meanwhile are passed over: they come again.

    When the source completes, all of them are acknowledged before this completes. When it fails or is disposed, what
    is done by then is; what was just being delivered to one who raised is not.

    So do the work before it: what `async for` below keeps for its body is acknowledged before the body sees it, and a
    loop that works in its body acknowledges there, by `delivery.ack()`.

    Between the subscription and here use what keeps nothing, and what is of `rxpump.operators`: items kept by an
    operator of reactivex (`rx.buffer`, ...) cannot be seen, and count as dropped.

    Errors: InvalidArgument where nobody can tell what an item comes of, or that is no persistent subscription.
    """

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            return _Acknowledging(observer).attach(source, scheduler)

        return Observable(subscribe)

    return operator


class _Acknowledging(abc.ObserverBase[T], abc.DisposableBase, Generic[T]):
    """One subscription: the end of a passage, which tells what is through; an item is only passed on."""

    def __init__(self, observer: abc.ObserverBase[T]) -> None:
        self._observer = observer
        self._source = SingleAssignmentDisposable()
        self._passages: list[Passage] = []  # of several sources, where one follows the other, or they are merged
        self._delivering: Passage | None = None
        self._since = 0

    def attach(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> _Acknowledging[T]:
        """Begin."""
        with awaiting_passage(self._await):
            self._source.disposable = source.subscribe(self, scheduler=scheduler)
        return self

    def on_next(self, value: T) -> None:
        """Pass an item on."""
        flow = Upstream.current()
        passage = None if flow is None or not flow.knows_origin else flow.passage
        if flow is None or passage is None or not self._is_ours(passage):
            for each in self._passages:
                each.fail(0)
            self._source.dispose()
            self._observer.on_error(InvalidArgument("source of ack_each", flow, _TRACEABLE))
            return
        self._delivering, self._since = passage, flow.since
        flow.passage = None  # what is kept below here is through
        try:
            self._observer.on_next(value)
        except BaseException:
            passage.fail(flow.since)
            raise
        finally:
            flow.passage = passage
            self._delivering = None
        passage.reached = flow.since

    def on_error(self, error: Exception) -> None:
        """Fail, after what is done."""
        for passage in self._passages:
            passage.fail()
        self._observer.on_error(error)

    def on_completed(self) -> None:
        """Complete: all of it is done."""
        for passage in self._passages:
            passage.complete()
        self._observer.on_completed()

    def dispose(self) -> None:
        """End, after what is done."""
        if (passage := self._delivering) is not None:
            if sys.exception() is not None:  # disposed by a subscriber that raises, not by one that has enough
                passage.fail(self._since)
            passage.reached = self._since
        for each in self._passages:
            each.complete()
        self._source.dispose()

    def _await(self, passage: Passage) -> None:
        """A source was subscribed to: ours, unless ours is there; then it is the affair of who subscribed to it."""
        if not any(each.is_fed for each in self._passages):
            self._is_ours(passage)

    def _is_ours(self, passage: Passage) -> bool:
        if passage in self._passages:
            return True
        self._passages = [each for each in self._passages if not each.is_over]
        is_ours = passage.claim(_acknowledge)
        if is_ours:
            self._passages.append(passage)
        return is_ours

    def __repr__(self) -> str:
        return f"<Acknowledging, {self._passages!r}>"


def _acknowledge(delivery: Delivery) -> None:
    if not delivery.is_expired:
        delivery.ack()
