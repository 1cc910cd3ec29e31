"""Make calls at the end of the current work, like the trampoline of Rx.

The work is what the server does with bytes that have arrived, or with the results of a transaction. Its replies are
collected and sent at its end, in one write for each connection. Another iteration of the event loop would collect
them as well, but it takes a large part of the time of a short request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

_log = logging.getLogger("rxpump.server")


class Trampoline:
    """Queue of calls that are made at the end of the current work, in the order in which they were scheduled.

    Calls that send what other calls have collected are made last.
    """

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._last_calls: deque[Callable[[], object]] = deque()
        self._is_running = False

    def run(self, work: Callable[..., object], *args: object) -> None:
        """Do some work, and then make the calls that it schedules. Those calls can schedule more of them.

        An exception of the work is raised after the calls. An exception of a call is logged.

        Args:
            work: Function that does the work. If other work is running, the work is a part of it.
            *args: Arguments of the function.
        """
        if self._is_running:
            work(*args)
            return
        self._is_running = True
        try:
            work(*args)
        finally:
            self._make_calls()

    def schedule(self, call: Callable[[], object]) -> None:
        """Make a call at the end of the current work; if there is none, in the next iteration of the event loop."""
        self._ensure_made()
        self._calls.append(call)

    def schedule_last(self, call: Callable[[], object]) -> None:
        """Make a call like `schedule`, but only when no other calls are scheduled."""
        self._ensure_made()
        self._last_calls.append(call)

    def _ensure_made(self) -> None:
        if not self._is_running and not self._calls and not self._last_calls:
            asyncio.get_running_loop().call_soon(self._make_calls)

    def _make_calls(self) -> None:
        self._is_running = True
        try:
            while self._calls or self._last_calls:
                call = (self._calls or self._last_calls).popleft()
                try:
                    call()
                except Exception:
                    _log.exception("%r failed", call)
        finally:
            self._is_running = False

    def __repr__(self) -> str:
        return f"<Trampoline, {len(self._calls) + len(self._last_calls)} calls scheduled>"
