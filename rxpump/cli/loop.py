"""The event loop of the `rxpump` command: uvloop if it is installed (by the extra `speed`), otherwise asyncio's."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from rxpump.cli.exits import Terminated

loop_factory: Callable[[], asyncio.AbstractEventLoop] | None
try:
    import uvloop
except ImportError:
    loop_factory = None
else:
    loop_factory = uvloop.new_event_loop

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a new event loop, like `asyncio.run`, and return its result.

    SIGTERM cancels it, as SIGINT does, because the exception of a signal handler could end the event loop between any
    two instructions.

    Raises:
        KeyboardInterrupt: SIGINT has cancelled the coroutine.
        Terminated: SIGTERM has cancelled the coroutine.
    """
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(_until_sigterm(main))


async def _until_sigterm(main: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine, which SIGTERM cancels together with this task."""
    task, is_terminated = asyncio.current_task(), False
    assert task is not None

    def terminate() -> None:
        nonlocal is_terminated
        is_terminated = True
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await main
    except asyncio.CancelledError:
        if is_terminated:
            raise Terminated from None
        raise
