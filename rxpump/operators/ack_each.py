"""`ack_each`: acknowledge what came through."""

from __future__ import annotations

import sys
from typing import Final, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.delivery import Delivery
from rxpump.errors import InvalidArgument
from rxpump.flow import Flow
from rxpump.operators.stage import Operator
from rxpump.passage import Passage

T = TypeVar("T")

_TRACEABLE: Final = (
    "items that come straight from one persistent subscription of its own, through plain operators and those of "
    "rxpump.operators; of what is merged, shared above, or delivered later by another's task or timer (delay, "
    "observe_on, flat_map to something asynchronous), nobody knows which delivery it comes of: acknowledge before "
    "that, or use map_async"
)


def ack_each() -> Operator[T, T]:
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
    """One subscription: the end of a passage. It does its work when the passage says so, and nothing per item."""

    def __init__(self, observer: abc.ObserverBase[T]) -> None:
        self._observer = observer
        self._source = SingleAssignmentDisposable()
        self._passage = Passage(_acknowledge)
        self._delivering: Flow | None = None

    def attach(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> _Acknowledging[T]:
        """Begin."""
        with self._passage.attaching():
            self._source.disposable = source.subscribe(self, scheduler=scheduler)
        return self

    def on_next(self, value: T) -> None:
        """Pass an item on."""
        flow = Flow.current()
        if flow is None or not flow.knows_origin or not self._passage.has_source:
            self.dispose()
            self._observer.on_error(InvalidArgument("source of ack_each", flow, _TRACEABLE))
            return
        passage, flow.passage = flow.passage, None  # what is kept below here is through
        self._delivering = flow
        try:
            self._observer.on_next(value)
        except BaseException:
            self._passage.fail(flow.origin)
            raise
        finally:
            flow.passage = passage
            self._delivering = None
        self._passage.reached = flow.origin

    def on_error(self, error: Exception) -> None:
        """Fail, after what is done."""
        self._passage.fail()
        self._observer.on_error(error)

    def on_completed(self) -> None:
        """Complete: all of it is done."""
        self._passage.complete()
        self._observer.on_completed()

    def dispose(self) -> None:
        """End, after what is done."""
        flow = self._delivering
        if flow is not None and sys.exception() is not None:  # disposed by a subscriber that raises, not by a `take`
            self._passage.fail(flow.origin)
        else:
            if flow is not None:
                self._passage.reached = flow.origin
            self._passage.complete()
        self._source.dispose()

    def __repr__(self) -> str:
        return f"<Acknowledging, {self._passage!r}>"


def _acknowledge(delivery: Delivery) -> None:
    if not delivery.is_expired:
        delivery.ack()
