"""Calls of a pipeline, which wait longer for a connection than a single call does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rxpump.errors import OperationTimedOut

T = TypeVar("T")


async def outlast(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call whose deadline passed while there was no connection.

    A pipeline waits for a connection as long as the reconnect policy allows, so the deadline of a single call must
    not end it in an outage. Every attempt must be the same request (the same event ids) to be without harm.

    Raises:
        OperationTimedOut: There was a connection, and no answer.
        RxPumpError: The call failed otherwise, for example because the reconnect policy gave up.
    """
    while True:
        try:
            return await call()
        except OperationTimedOut as error:
            if error.is_connected:
                raise
