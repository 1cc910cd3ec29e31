"""Calls that operators make, which are repeated while there is no connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rxpump.errors import OperationTimedOut

T = TypeVar("T")


async def outlast(call: Callable[[], Awaitable[T]]) -> T:
    """Await a call, and repeat it while it times out because there is no connection.

    An operator waits for a connection as long as the reconnect policy allows, so the deadline of a single call must
    not end the pipeline during an outage.

    Args:
        call: Function that makes the call. Each time it must send the same request, with the same event ids, so that
            a repetition has no effect.

    Returns:
        The result of the call.

    Raises:
        OperationTimedOut: The call timed out although there was a connection.
        RxPumpError: The call failed otherwise, for example because the reconnect policy gave up.
    """
    while True:
        try:
            return await call()
        except OperationTimedOut as error:
            if error.is_connected:
                raise
