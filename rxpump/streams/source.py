"""From pulled pages to a pushed stream: where the seam is crossed.

Each subscription is one task. It pulls a page, delivers its items one by one, and pulls again; while
its Upstream is held it does neither. It gives the loop a turn at least every few milliseconds, however long the
page and however slow the subscriber, so that heartbeats and neighbours are served.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from contextlib import aclosing
from time import monotonic
from typing import Generic, TypeVar

from reactivex import abc

from rxpump.backpressure.background_tasks import BackgroundTasks, Home
from rxpump.backpressure.passage import Progress, Track, track_of
from rxpump.backpressure.upstream import SLICE_SECONDS, Upstream
from rxpump.errors import ClientClosed
from rxpump.model.signals import Signal
from rxpump.streams.observable import Observable

T = TypeVar("T")

Pages = AsyncGenerator[Iterable[T], None]


class Pumped(Observable[T], ABC):
    """An Observable of which each subscription is one task, which `_begin` starts."""

    def __init__(self, runtime: BackgroundTasks, name: str) -> None:
        super().__init__()  # not with a method of its own: that would be a cycle, and leave it to the collector
        self.name = name
        self._runtime = runtime

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return self._begin(observer)

    @abstractmethod
    def _begin(self, observer: abc.ObserverBase[T]) -> Delivering[T]:
        """Start one."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Pulled(Pumped[T]):
    """An Observable over pages; `open_pages` is called anew for each subscription."""

    def __init__(self, runtime: BackgroundTasks, name: str, open_pages: Callable[[], Pages[T]]) -> None:
        super().__init__(runtime, name)
        self._open_pages = open_pages

    def _begin(self, observer: abc.ObserverBase[T]) -> Delivering[T]:
        return Delivering(self._runtime, self.name, self._open_pages(), observer)


class Intake(Pumped[T]):
    """What takes in from outside: it completes early when its client drains."""

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        delivering = self._begin(observer)
        if (track := track_of(self)) is not None:
            delivering.track(track)
        self._runtime.intakes.add(delivering.finish)
        delivering.task.add_done_callback(lambda _: self._runtime.intakes.discard(delivering.finish))
        return delivering


class Source(Intake[T], Pulled[T]):
    """Pages from outside."""


class Delivering(abc.DisposableBase, Generic[T]):
    """One subscription: pages in, items out, until the end, `dispose` or `finish`.

    However its task ends, the observer is told, unless it was the observer that left.
    """

    def __init__(self, runtime: BackgroundTasks, name: str, pages: Pages[T], observer: abc.ObserverBase[T]) -> None:
        self._pages = pages
        self._observer = observer
        self.flow: Upstream = Upstream(name, runtime=runtime)
        self._is_finishing = False
        self._progress: Progress | None = None
        self.task: asyncio.Task[None] = runtime.start(self._run(), name)
        self._home = Home()
        self.task.add_done_callback(self._ended)

    def track(self, track: Track) -> None:
        """Account for the events that are through the pipeline below, if `track` wants to know it."""
        if self.flow.passage is not None:
            return
        progress = Progress(self.flow)
        track(progress)
        if progress.is_claimed:
            self._progress = self.flow.passage = progress

    def _source_left(self) -> None:
        """Tell the account of what is delivered, if there is one, that it ends where it is."""
        if self._progress is not None:
            self._progress.source_left()

    def dispose(self) -> None:
        """Stop; the observer hears nothing more. From another thread, as soon as the loop has a turn."""
        if not self._home.is_here():
            self._home.call(self.dispose)
            return
        self._source_left()
        self.flow.end()
        self.task.cancel()

    def finish(self) -> None:
        """Take nothing more in; the observer, if it has not left, hears that it is over."""
        self._source_left()
        self._is_finishing = not self.flow.is_over
        self.task.cancel()

    async def _run(self) -> None:
        async with aclosing(self._pages):
            async for page in self._pages:
                progress = self._progress
                items = page if progress is None else _tracked(page, progress, self.flow)
                await _deliver_page(items, self._observer, self.flow)
                if progress is not None:
                    progress.moved()

    def _ended(self, task: asyncio.Task[None]) -> None:
        was_left = self.flow.is_over
        self.flow.end()
        if was_left:
            return
        if task.cancelled() and not self._is_finishing:
            self._observer.on_error(ClientClosed("the server", "the client was closed"))
        elif not task.cancelled() and (error := task.exception()) is not None:
            self._observer.on_error(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        else:
            self._observer.on_completed()


def _tracked(page: Iterable[T], progress: Progress, flow: Upstream) -> Iterator[T]:
    """Account for each event of a page while it is delivered."""
    for item in page:
        if not isinstance(item, Signal):
            numbered = progress.numbered(item)
            progress.passing(numbered)
            flow.since = numbered.sequence
        yield item
        progress.passed()


async def _deliver_page(page: Iterable[T], observer: abc.ObserverBase[T], flow: Upstream) -> None:
    on_next = observer.on_next
    flow.enter()
    try:
        turn_ends = monotonic() + SLICE_SECONDS
        for item in page:
            flow.origin = item
            on_next(item)
            if not flow.may_deliver or monotonic() > turn_ends:
                await flow.until_resumed()
                turn_ends = monotonic() + SLICE_SECONDS
    finally:
        flow.leave()


def from_iterable(runtime: BackgroundTasks, items: Iterable[T] | AsyncIterable[T]) -> Source[T]:
    """Make a source of an iterable, asynchronous or not; it is read no faster than it is consumed."""

    async def pages() -> Pages[T]:
        if isinstance(items, AsyncIterable):
            async for item in items:
                yield (item,)
        else:
            yield items

    return Source(runtime, "iterate", pages)
