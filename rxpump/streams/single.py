"""An Observable of the single reply to a request."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.streams.call import Call
from rxpump.streams.source import Pages

T = TypeVar("T")


class Single(Call[T]):
    """The reply to a request, which is sent for each subscription, and each time the Single is awaited.

    A subscription runs in a new task. An `await` runs in the current task, which is faster.

    Args:
        runtime: Background tasks of the client.
        name: Name of the request in errors and logs.
        send: Coroutine function that sends the request and returns the reply.
    """

    def __init__(self, runtime: BackgroundTasks, name: str, send: Callable[[], Coroutine[Any, Any, T]]) -> None:
        super().__init__(runtime, name)
        self._send = send

    async def _open_pages(self) -> Pages[T]:
        yield (await self._send(),)

    def __await__(self) -> Generator[Any, None, T]:
        """Send the request and return the reply."""
        self._is_used = True
        self._runtime.check()
        return self._send().__await__()
