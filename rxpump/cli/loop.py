"""The event loop of our programs: uvloop where it is installed (the extra `speed`), else asyncio's own.

A program may choose its loop; a library never does it for one.
"""

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
    """Run a program, as asyncio.run does."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)
