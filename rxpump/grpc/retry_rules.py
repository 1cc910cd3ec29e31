"""Decide which failures of a request are followed by another attempt.

the server refuses the request for now      another attempt after a delay of the retry policy; a request of a
                                            subscription, a publisher or a relay, which has no deadline, is treated
                                            as if the connection was lost, so the reconnect policy limits it, too
the server does not complete a write        likewise, because the server recognizes the ids of the events
the connection is lost                      another attempt on the next connection
a call ends without a status                another attempt after a delay of the retry policy, within the time limit
                                            of the earlier attempt
a handler of the server failed              likewise, a few times, because a follower that has just lost its leader
                                            answers so, but also a server that cannot serve the request
the server or a proxy failed otherwise      likewise, for a read of a subscription or a relay, so that a short failure
                                            does not end it
anything else                               the request fails

If it is unknown whether the server executed a request of a method that is not repeatable, the request fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from rxpump.backoff import Backoff
from rxpump.errors import (
    CallInterrupted,
    ClientClosed,
    ConnectionClosed,
    NoNodeReady,
    NotHandled,
    OutcomeUnknown,
    RequestInterrupted,
    RxPumpError,
    ServerFailed,
)
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.errors.unnamed_errors import is_unnamed
from rxpump.grpc.protocol.call_status import HANDLER_FAILED

_HANDLER_ATTEMPTS: Final = 6
"""Largest number of attempts if the server fails each time."""


class LongWork(NamedTuple):
    """A request of a subscription, a publisher or a relay, which has no deadline.

    Attributes:
        refusals: Number of times that the server refused the request.
        reconnect: Delays between attempts to connect, which limit the number of refusals.
        explain: Function that returns the recent experience with each node, for errors.
    """

    refusals: int
    reconnect: Backoff
    explain: Callable[[], str]

    def limited(self, delay: float | None, policy: Backoff, error: RxPumpError, operation: str) -> float | None:
        """Return the delay until the next attempt after a refusal.

        Args:
            delay: Delay of the retry policy; None if it allows no further attempt.
            policy: The retry policy.
            error: The refusal.
            operation: Description of the request.

        Raises:
            NoNodeReady: The reconnect policy allows no further attempt.
        """
        if delay is None:
            return None
        longer = self.reconnect.delay(self.refusals)
        if longer is None:
            raise NoNodeReady(operation, self.refusals, self.explain() or str(error)) from error
        return min(longer, policy.max_delay)


def restarts_time_limit(error: RxPumpError) -> bool:
    """Return whether the next attempt at a request without a deadline has a time limit of its own.

    It does after a refusal and after a lost connection, because the reconnect policy limits those. A call that ends
    without a status does not restart the limit, so a server that ends each call at once cannot keep a request.

    Args:
        error: Failure of the last attempt.
    """
    return isinstance(error, NotHandled | ConnectionClosed) and not isinstance(error, CallInterrupted)


def delay_after(
    error: RxPumpError, attempts: int, policy: Backoff, context: CallContext, work: LongWork | None = None
) -> float:
    """Return the seconds to wait until the next attempt; 0 to make it as soon as there is a connection.

    Args:
        error: Failure of the last attempt.
        attempts: Number of attempts that were made.
        policy: Delays after refusals of the server.
        context: Description of the request.
        work: The request if it has no deadline, otherwise None.

    Raises:
        NoNodeReady: The request has no deadline, and the reconnect policy allows no further attempt.
        RequestInterrupted: The request may have been executed, and is not repeatable.
        RxPumpError: No further attempt is made. It is `error`.
    """
    is_repeatable = context.method.is_repeatable
    match error:
        case ClientClosed() | RequestInterrupted():
            raise error
        case ConnectionClosed() if not is_repeatable:
            raise RequestInterrupted(error.address, error.reason, context.operation) from error
        case CallInterrupted():
            delay = policy.delay(attempts)
        case ConnectionClosed():
            return 0.0
        case NotHandled():
            delay = policy.delay(attempts)
            delay = delay if work is None else work.limited(delay, policy, error, context.operation)
        case OutcomeUnknown() if is_repeatable:
            delay = policy.delay(attempts)
        case ServerFailed() if is_repeatable and _may_pass(error, context, work):
            delay = policy.delay(attempts) if attempts < _HANDLER_ATTEMPTS else None
        case _:
            raise error
    if delay is None:
        raise error
    return delay


def _may_pass(error: ServerFailed, context: CallContext, work: LongWork | None) -> bool:
    """Return whether another attempt can succeed a moment after a failure of the server."""
    is_read_of_stream = work is not None and context.effect is not Effect.WRITE
    return error.reason == HANDLER_FAILED.message or (is_read_of_stream and not is_unnamed(error))
