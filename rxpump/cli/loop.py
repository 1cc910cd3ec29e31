"""The event loop of the `rxpump` command: uvloop if it is installed (by the extra `speed`), otherwise asyncio's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

loop_factory: Callable[[], asyncio.AbstractEventLoop] | None
try:
    import uvloop
except ImportError:
    loop_factory = None
else:
    loop_factory = uvloop.new_event_loop

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a new event loop, like `asyncio.run`, and return its result."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)
