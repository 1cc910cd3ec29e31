"""Replacements for parts of a pipeline: a source with prepared pages, and an observer that buffers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.watermarks import Watermarks
from rxpump.streams.source import PageSource


class Pages:
    """Prepared pages for a source, with counters of its reads.

    Attributes:
        pages: The pages, in order.
        failure: Raised after the last page. None: the source completes.
        asked: Number of pages that were requested.
        opened: Number of times that a source started reading.
        closed: Number of times that a source stopped reading.
    """

    def __init__(self, pages: Iterable[Iterable[Any]], failure: Exception | None = None) -> None:
        self.pages = pages
        self.failure = failure
        self.asked = 0
        self.opened = 0
        self.closed = 0

    async def open(self) -> AsyncGenerator[Iterable[Any], None]:
        self.opened += 1
        try:
            for page in self.pages:
                self.asked += 1
                yield page
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed += 1

    def source(self, runtime: BackgroundTasks) -> PageSource[Any]:
        return PageSource(runtime, "pages", self.open)


def numbers(pages: int, size: int) -> list[range]:
    """Return pages of consecutive numbers that start at 0."""
    return [range(page * size, (page + 1) * size) for page in range(pages)]


class BufferingObserver:
    """Buffers items, and pauses the upstream at the high-water mark."""

    def __init__(self, high: int, low: int | None = None, capacity: int = 10_000) -> None:
        self.items: list[Any] = []
        self.watermarks = Watermarks("observer", high=high, low=low, capacity=capacity)

    def on_next(self, item: Any) -> None:
        self.watermarks.added(len(self.items) + 1)
        self.items.append(item)

    def take(self, count: int) -> list[Any]:
        """Remove the first items from the buffer, and return them."""
        taken, self.items = self.items[:count], self.items[count:]
        self.watermarks.removed(len(self.items))
        return taken
