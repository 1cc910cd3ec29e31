"""An Observable of exactly one value: what a request answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from reactivex import abc
from reactivex.disposable import Disposable

from rxpump.runtime import Runtime
from rxpump.streams.observable import Observable

T = TypeVar("T")


class Answer(Observable[T]):
    """Asks anew for each subscription. Awaiting it asks in the awaiting task itself, with no task between."""

    def __init__(self, runtime: Runtime, name: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> None:
        super().__init__(self._start)
        self.name = name
        self._runtime = runtime
        self._ask = ask

    def __await__(self) -> Generator[Any, None, T]:
        """Ask, and give the value."""
        return self._ask().__await__()

    def _start(self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        task = self._runtime.start(self._deliver(observer), self.name)

        def dispose() -> None:
            task.cancel()

        return Disposable(dispose)

    async def _deliver(self, observer: abc.ObserverBase[T]) -> None:
        try:
            observer.on_next(await self._ask())
        except asyncio.CancelledError:
            raise
        except Exception as error:
            observer.on_error(error)
        else:
            observer.on_completed()

    def __repr__(self) -> str:
        return f"<Answer to {self.name}>"
