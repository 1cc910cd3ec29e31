"""A call that is being served, with its task and its timers."""

from __future__ import annotations

import asyncio

from rxpump.server.grpc.call import Call


class RunningCall:
    """A call, its task, and its timers.

    Attributes:
        call: The call.
        task: Task of the handler; None before it starts.
        expiry: Timer of the deadline that the client named, or None.
        half_close_timer: Timer that ends the call if the client sends no more of its request, or None.
    """

    __slots__ = ("call", "expiry", "half_close_timer", "task")

    def __init__(self, call: Call) -> None:
        self.call: Call = call
        self.task: asyncio.Task[None] | None = None
        self.expiry: asyncio.TimerHandle | None = None
        self.half_close_timer: asyncio.TimerHandle | None = None

    def stop_timers(self) -> None:
        """Stop both timers."""
        for timer in (self.expiry, self.half_close_timer):
            if timer is not None:
                timer.cancel()

    def __repr__(self) -> str:
        return f"<RunningCall {self.call!r}>"
