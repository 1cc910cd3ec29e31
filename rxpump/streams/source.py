"""Observables whose subscriptions are tasks, and that read pages.

Each subscription is one task. It reads a page, delivers its items one by one, and reads the next page. It does
neither while its Upstream is paused. It yields to the event loop every few milliseconds, however long the page and
however slow the subscriber, so that heartbeats and other tasks are not delayed.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar, Generic, TypeVar

from reactivex import abc
from reactivex.disposable import Disposable

from rxpump.backpressure.background_tasks import BackgroundTasks, LoopCaller
from rxpump.backpressure.progress import Pending, ProgressTracker
from rxpump.backpressure.tracking import Track, track_of
from rxpump.backpressure.upstream import SLICE_SECONDS, Upstream, item_of
from rxpump.errors import ClientClosed
from rxpump.errors.root import as_exception
from rxpump.model.signals import Examined
from rxpump.streams.observable import Observable, report
from rxpump.telemetry import SubscriptionProbe, Telemetry
from rxpump.transport import Transport

T = TypeVar("T")

Pages = AsyncGenerator[Iterable[T] | Examined, None]
"""A generator of pages of items. An Examined between them advances the progress, and is not delivered."""


class TaskObservable(Observable[T], ABC):
    """An Observable that starts one task for each subscription.

    Attributes:
        name: Name of the Observable in errors, logs and names of tasks.
        completes_on_drain: Whether its subscriptions complete when the client drains. Those of a call and a relay
            do not, so that they finish their work.
    """

    completes_on_drain: ClassVar[bool] = True

    def __init__(self, runtime: BackgroundTasks, name: str) -> None:
        super().__init__()  # A bound method as the subscribe function would cause a reference cycle.
        self.name = name
        self._runtime = runtime

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_completed: Callable[[], None] | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe an observer, or callbacks; see `Observable.subscribe`.

        The task calls them directly. reactivex would put an observer in between, which drops values that a source
        delivers after it has ended or was disposed. A TaskSubscription delivers none then, and one call less for each
        value makes reads about a tenth faster.
        """
        observer: Any = on_next
        if not callable(getattr(on_next, "on_next", None)):
            observer = _Callbacks(on_next or _ignore, on_error or report, on_completed or _ignore)
        try:
            subscription = self._subscribe_core(observer, scheduler)
        except Exception as error:
            observer.on_error(error)
            return Disposable()
        return Disposable(subscription.dispose)

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        subscription = self._begin(observer, scheduler)
        if self.completes_on_drain:
            if (track := track_of(self)) is not None:
                subscription.track(track)
            self._runtime.intakes.add(subscription.finish)
            subscription.task.add_done_callback(lambda _: self._runtime.intakes.discard(subscription.finish))
        return subscription

    @abstractmethod
    def _begin(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[T]:
        """Start the task of a new subscription."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _ignore(*_: object) -> None:
    pass


@dataclass(slots=True)
class _Callbacks(abc.ObserverBase[Any]):
    """Callbacks of a subscriber as an observer."""

    on_next: Any
    on_error: Any
    on_completed: Any


class PageSource(TaskObservable[T]):
    """An Observable of the items of pages, which each subscription reads from the start.

    Args:
        runtime: Background tasks of the client.
        name: Name of the Observable in errors, logs and names of tasks.
        open_pages: Function that returns a new generator of pages; called once for each subscription.
    """

    def __init__(self, runtime: BackgroundTasks, name: str, open_pages: Callable[[], Pages[T]]) -> None:
        super().__init__(runtime, name)
        self._open_pages = open_pages

    def _begin(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[T]:
        return TaskSubscription(self._runtime, self.name, self._open_pages(), observer)


class TaskSubscription(abc.DisposableBase, Generic[T]):
    """One subscription: a task that delivers the items of pages until they end, `dispose`, or `finish`.

    When the task ends, the observer gets `on_completed` or `on_error`, unless the subscription was disposed.

    Attributes:
        upstream: Upstream that observers pause and resume.
        task: The task.
    """

    def __init__(self, runtime: BackgroundTasks, name: str, pages: Pages[T], observer: abc.ObserverBase[T]) -> None:
        self._runtime = runtime
        self._pages = pages
        self._observer = observer
        self.upstream: Upstream = Upstream(name, runtime=runtime)
        self._is_finishing = False
        self._tracker: ProgressTracker | None = None
        self._delivered: Pending | None = None
        self._telemetry: Telemetry | None = None
        self._probe: SubscriptionProbe | None = None
        self.task: asyncio.Task[None] = runtime.start(self._run(), name)
        self._loop_caller = LoopCaller()
        self.task.add_done_callback(self._ended)

    def track(self, track: Track) -> None:
        """Track the progress of every item that is delivered, and pass the tracker to `track`."""
        if self._tracker is None:
            self._tracker = ProgressTracker()
            self.upstream.track(self._tracker)
            track(self._tracker)

    def measure(self, transport: Transport, probe: SubscriptionProbe) -> None:
        """Include the subscription in the metrics of the client, and record its deliveries if it is instrumented."""
        self._telemetry, self._probe = transport.telemetry, probe
        probe.login = transport.login
        transport.telemetry.add(probe, self.task)

    def _note_left(self) -> None:
        """Record the end of the delivery in progress, if there is one, because the subscription ends during it.

        The item is regarded as processed if an operator retains it or if it has reached the end of the pipeline.
        Otherwise it will never be processed, so its entry is abandoned.
        """
        entry, self._delivered = self._delivered, None
        if entry is None:
            return
        if entry.retentions or not self.upstream.has_origin:
            entry.release()
        else:
            entry.abandon()

    def dispose(self) -> None:
        """End the subscription without calling the observer. Called from another thread, it ends soon afterwards."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.dispose)
            return
        self._note_left()
        self.upstream.end()
        self.task.cancel()

    def finish(self) -> None:
        """Read nothing more and complete, unless the subscription is disposed."""
        self._note_left()
        self._is_finishing = not self.upstream.is_over
        self.task.cancel()

    async def _run(self) -> None:
        async with aclosing(self._pages):
            async for page in self._pages:
                if isinstance(page, Examined):
                    if self._tracker is not None:
                        self._tracker.begin(page).release()
                    continue
                items = page if self._tracker is None else self._tracked(page, self._tracker)
                await _deliver_page(items, self._on_next(), self.upstream)

    def _on_next(self) -> Callable[[T], object]:
        """Return the function that delivers the next items."""
        if self._telemetry is None or self._probe is None or self._telemetry.instrumentation is None:
            return self._observer.on_next
        return self._telemetry.instrumentation.delivering(self._observer.on_next, self._probe)

    def _tracked(self, page: Iterable[T], tracker: ProgressTracker) -> Iterator[T]:
        """Yield the items of a page, and record the start and the end of each delivery in the tracker."""
        begin = self.upstream.begin
        for item in page:
            self._delivered = entry = tracker.begin(item_of(item))
            begin(entry)
            yield item
            if self._delivered is entry:
                self._delivered = None
                entry.release()

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_disposed = self.upstream.is_over
        self.upstream.end()
        if was_disposed:
            return
        if task.cancelled() and not self._is_finishing:
            self._observer.on_error(ClientClosed(self._runtime.peer, "the client was closed"))
        elif task.cancelled():
            self._finish_observer()
        elif (error := task.exception()) is not None:
            self._observer.on_error(as_exception(error))
        else:
            self._observer.on_completed()

    def _finish_observer(self) -> None:
        """End the observer after `finish`."""
        self._observer.on_completed()


async def _deliver_page(page: Iterable[T], on_next: Callable[[T], object], upstream: Upstream) -> None:
    """Deliver the items of a page. Yield to the event loop after each time slice, and wait while it is paused."""
    upstream.enter()
    try:
        slice_ends = monotonic() + SLICE_SECONDS
        for item in page:
            upstream.origin = item
            on_next(item)
            if not upstream.may_deliver or monotonic() > slice_ends:
                await upstream.until_resumed()
                slice_ends = monotonic() + SLICE_SECONDS
    finally:
        upstream.leave()


class IterableSource(PageSource[T]):
    """An Observable of the items of an iterable, which it reads only while it is not paused.

    It fails with ClientClosed if the client drains before the iterable was read to its end, because the program that
    made the iterable must learn that the rest of it was left.

    Args:
        runtime: Background tasks of the client.
        items: Iterable or async iterable.
    """

    def __init__(self, runtime: BackgroundTasks, items: Iterable[T] | AsyncIterable[T]) -> None:
        async def pages() -> Pages[T]:
            if isinstance(items, AsyncIterable):
                async for item in items:
                    yield (item,)
            else:
                yield items

        super().__init__(runtime, "iterate", pages)

    def _begin(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[T]:
        return _IterableSubscription(self._runtime, self.name, self._open_pages(), observer)


class _IterableSubscription(TaskSubscription[T]):
    def _finish_observer(self) -> None:
        message = "the client was drained before the iterable was read to its end"
        self._observer.on_error(ClientClosed(self._runtime.peer, message))
