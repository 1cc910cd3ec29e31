"""Event loops that protect tests from a busy machine: from its pauses and from its other programs.

Their clock does not count the time for which the machine suspends a test.

On a busy machine, a process can stop for half a second between any two statements. A client whose server runs in the
same event loop would regard the server as silent for that time, and short timeouts would expire although both work.
So the clock of these loops advances by at most LONGEST_STEP between two looks at it. A loop that waits for a timer
waits in steps of LONGEST_WAIT, so that its clock also advances while the other side is another process.

The clock does not help if the other side runs in another process or thread, because the loop waits for it.

Their servers choose ports that no other program takes while the server is stopped (`tests/ports.py`).
"""

from __future__ import annotations

import asyncio
import errno
import selectors
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from tests.ports import ports

LONGEST_STEP: Final = 0.001
"""Longest time in seconds that passes between two looks at the clock, except while a loop waits for a timer."""

LONGEST_WAIT: Final = 0.01
"""Longest time in seconds for which a loop waits without a look at the clock, if it waits for a timer."""


class SteadyClock:
    """A clock that an event loop advances.

    Args:
        monotonic: Function that returns the seconds of a clock that also counts pauses.
        longest_step: Longest time in seconds that passes between two calls of `now`.
    """

    def __init__(self, monotonic: Callable[[], float] = monotonic, *, longest_step: float = LONGEST_STEP) -> None:
        self._monotonic = monotonic
        self._longest_step = longest_step
        self._seen = self._now = monotonic()

    def now(self) -> float:
        """Return the time in seconds."""
        self.advance(self._longest_step)
        return self._now

    def advance(self, longest: float) -> None:
        """Add the time since the last look, but at most `longest` seconds."""
        before, self._seen = self._seen, self._monotonic()
        self._now += max(min(self._seen - before, longest), 0.0)  # another thread can have looked in between


class SteadyLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock that does not count pauses, and with servers that keep their ports.

    Args:
        clock: The clock.
    """

    def __init__(self, clock: SteadyClock | None = None) -> None:
        self._clock = SteadyClock() if clock is None else clock
        super().__init__(_Selector(self._clock))

    def time(self) -> float:
        """Return the seconds of the clock."""
        return self._clock.now()

    async def create_server(self, *arguments: Any, **options: Any) -> Any:
        """Start a server. Port 0, the third argument, stands for one of `tests.ports`."""
        create: Any = super().create_server
        while arguments[2:] == (0,):
            try:
                return await create(*arguments[:2], next(ports), **options)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        return await create(*arguments, **options)


class SteadyLoopPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes every event loop a SteadyLoop, also those of `asyncio.run` and of other threads."""

    def new_event_loop(self) -> SteadyLoop:
        """Return a new event loop."""
        return SteadyLoop()


class _Selector(selectors.DefaultSelector):
    """A selector that waits in short steps, and advances a clock by the time of each step."""

    def __init__(self, clock: SteadyClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait until a file is ready or the time is over, and return the files that are ready."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        self._clock.advance(LONGEST_STEP)
        if timeout is None:  # No timer waits for the clock.
            ready = super().select(None)
            self._clock.advance(LONGEST_STEP)
            return ready
        while True:
            step = min(timeout, LONGEST_WAIT)
            ready = super().select(step)
            self._clock.advance(step + LONGEST_STEP)
            timeout -= step
            if ready or timeout <= 0:
                return ready
