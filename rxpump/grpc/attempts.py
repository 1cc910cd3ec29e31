"""Attempts at one request: which failures are followed by another attempt, and when.

the server refuses the request for now      another attempt after a delay of the retry policy
the server does not complete a write        likewise, because the ids of the events make it the same write
the connection is lost                      another attempt on the next connection
anything else                               the request fails
"""

from __future__ import annotations

import asyncio

from rxpump.backoff import Backoff
from rxpump.errors import (
    ClientClosed,
    ConnectionClosed,
    NotHandled,
    OperationTimedOut,
    OutcomeUnknown,
    RxPumpError,
    ServerError,
)
from rxpump.grpc.errors.call_context import CallContext


class Attempts:
    """Attempts at one request.

    Args:
        context: Purpose of the request.
        policy: Delays after refusals of the server.
        is_repeatable: Whether the request may be sent again if it is not known whether the server did it.

    Attributes:
        count: Number of attempts that were begun.
        refusal: Last refusal of the server, or None.
    """

    __slots__ = ("_context", "_is_repeatable", "_policy", "count", "refusal")

    def __init__(self, context: CallContext, policy: Backoff, *, is_repeatable: bool = True) -> None:
        self.count: int = 0
        self.refusal: ServerError | None = None
        self._context = context
        self._policy = policy
        self._is_repeatable = is_repeatable

    def begin(self) -> None:
        """Note that an attempt begins."""
        self.count += 1

    async def wait_after(self, error: RxPumpError) -> None:
        """Wait until the next attempt may begin.

        Args:
            error: Failure of the last attempt.

        Raises:
            RxPumpError: No further attempt is made. It is `error`.
        """
        delay = self.delay_after(error)
        if delay:
            await asyncio.sleep(delay)

    def delay_after(self, error: RxPumpError) -> float:
        """Return the seconds to wait until the next attempt; arguments and errors as in `wait_after`."""
        match error:
            case ClientClosed():
                raise error
            case ConnectionClosed() if self._is_repeatable:
                return 0.0
            case NotHandled():
                return self._after_refusal(error)
            case OutcomeUnknown() if self._is_repeatable:
                return self._after_refusal(error)
        raise error

    def timed_out(self, timeout: float, *, is_connected: bool) -> OperationTimedOut:
        """Return the error for a request whose deadline has passed.

        Args:
            timeout: Seconds that the request had.
            is_connected: Whether there is a connection.
        """
        return OperationTimedOut(
            self._context.operation, timeout, self.count, self.refusal, is_connected=is_connected
        )

    def _after_refusal(self, error: NotHandled | OutcomeUnknown) -> float:
        self.refusal = error
        delay = self._policy.delay(self.count)
        if delay is None:
            raise error
        return delay

    def __repr__(self) -> str:
        return f"<Attempts at {self._context.operation}: {self.count}, last refusal {self.refusal}>"
