"""From pulled pages to a pushed stream: where the seam is crossed.

Each subscription is one task. It pulls a page, delivers its items one by one, and pulls again; while
its Flow is held it does neither. It gives the loop a turn at least every few milliseconds, however long the
page and however slow the subscriber, so that heartbeats and neighbours are served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing
from time import monotonic
from typing import TypeVar

from reactivex import abc
from reactivex.disposable import Disposable

from rxpump.errors import ClientClosed
from rxpump.events import Event
from rxpump.flow import Flow
from rxpump.runtime import Runtime
from rxpump.streams.observable import Observable

T = TypeVar("T")

SLICE_SECONDS = 0.003
"""How long a source delivers at a stretch before the loop gets a turn."""

Pages = AsyncGenerator[Iterable[T], None]


class Source(Observable[T]):
    """An Observable over pages; `open_pages` is called anew for each subscription."""

    def __init__(self, runtime: Runtime, name: str, open_pages: Callable[[], Pages[T]]) -> None:
        super().__init__(self._start)
        self.name = name
        self._runtime = runtime
        self._open_pages = open_pages

    def _start(self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        flow = Flow(self.name)
        task = self._runtime.start(_deliver(self._open_pages(), observer, flow), self.name)

        def dispose() -> None:
            flow.end()
            task.cancel()

        return Disposable(dispose)

    def __repr__(self) -> str:
        return f"<Source {self.name}>"


async def _deliver(pages: Pages[T], observer: abc.ObserverBase[T], flow: Flow) -> None:
    try:
        async with aclosing(pages):
            async for page in pages:
                await _deliver_page(page, observer, flow)
    except asyncio.CancelledError:
        if not flow.is_over:  # not disposed: the client is being closed, and nothing dies silently
            observer.on_error(ClientClosed("the server", "the client was closed"))
        raise
    except Exception as error:
        observer.on_error(error)
    else:
        observer.on_completed()
    finally:
        flow.end()


async def _deliver_page(page: Iterable[T], observer: abc.ObserverBase[T], flow: Flow) -> None:
    on_next = observer.on_next
    flow.enter()
    try:
        turn_ends = monotonic() + SLICE_SECONDS
        for item in page:
            flow.origin = item
            on_next(item)
            if not flow.is_clear or monotonic() > turn_ends:
                await flow.until_clear()
                turn_ends = monotonic() + SLICE_SECONDS
    finally:
        flow.leave()


class ResumableSource(Source[Event]):
    """A source of events that can go on after any one of them; `resume` makes the source that does."""

    def __init__(
        self,
        runtime: Runtime,
        name: str,
        open_pages: Callable[[], Pages[Event]],
        resume: Callable[[Event], Source[Event]],
    ) -> None:
        super().__init__(runtime, name, open_pages)
        self._resume = resume

    def resume_after(self, event: Event) -> Source[Event]:
        """Give the same source from the event after this one on."""
        return self._resume(event)


def from_iterable(runtime: Runtime, items: Iterable[T] | AsyncIterable[T]) -> Source[T]:
    """Make a source of an iterable, asynchronous or not; it is read no faster than it is consumed."""

    async def pages() -> Pages[T]:
        if isinstance(items, AsyncIterable):
            async for item in items:
                yield (item,)
        else:
            yield items

    return Source(runtime, "iterate", pages)
