"""An Observable of exactly one value: what a request answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.streams.call import Call
from rxpump.streams.source import Pages

T = TypeVar("T")


class Single(Call[T]):
    """Asks anew for each subscription. Awaiting it asks in the awaiting task itself, with no task between."""

    def __init__(self, runtime: BackgroundTasks, name: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> None:
        async def pages() -> Pages[T]:
            yield (await ask(),)

        super().__init__(runtime, name, pages)
        self._ask = ask

    def __await__(self) -> Generator[Any, None, T]:
        """Ask, and return the value."""
        self._is_used = True
        self._runtime.check()
        return self._ask().__await__()
