"""The simulated connection of a mock transport, and the coroutines that wait for it or for new events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from rxpump.errors import (
    ClientClosed,
    ConnectionClosed,
    NotConnected,
    OperationTimedOut,
    RequestInterrupted,
    RxPumpError,
)
from rxpump.model.metrics import RequestKind
from rxpump.model.status import Closed, Connected, Connecting, Reconnecting, Status
from rxpump.telemetry import Telemetry

_T = TypeVar("_T")

ADDRESS: Final = "mock://memory"
"""Address in errors and in the status."""


_KINDS: Final = {
    "Append": RequestKind.APPEND,
    "Read": RequestKind.READ,
    "Subscribe": RequestKind.SUBSCRIBE,
    "ConnectGroup": RequestKind.SUBSCRIBE,
}
"""Kinds of requests by the first word of their descriptions; those of all others are `OTHER`."""


class Changes:
    """Wakes all coroutines that wait for a change."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def count(self) -> int:
        """Number of coroutines that wait."""
        return len(self._waiting)

    async def wait(self) -> None:
        """Wait for the next call of `notify`."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def notify(self) -> None:
        """Wake the coroutines that wait now."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


class MockConnection:
    """A simulated connection that a test makes and loses.

    Args:
        on_status: Function that is called with each change of the connection's status.
        telemetry: Counters of the client.

    Attributes:
        changes: Notified when an event is written, and when the connection is made or lost.
        ending: Error that ended the last connection; None while there is one, and before the first.
        connections: Number of connections that were made. Subscriptions and sessions end with their connection.
        before_end: Functions that are called just before the transport closes.
    """

    def __init__(self, on_status: Callable[[Status], None], telemetry: Telemetry) -> None:
        self.changes: Changes = Changes()
        self.ending: RxPumpError | None = None
        self.connections: int = 0
        self.before_end: set[Callable[[], None]] = set()
        self._on_status = on_status
        self._telemetry = telemetry
        self._is_open = False
        self._is_connected = False
        self._requests = 0
        self._lose_reply: Callable[[], None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._is_connected

    def open(self) -> None:
        """Make the first connection."""
        self._is_open = True
        if not self._is_connected:
            self._on_status(Connecting(ADDRESS))
            self.restore()

    def restore(self) -> None:
        """Make a connection after one was lost.

        Raises:
            NotConnected: The transport is not open.
        """
        if not self._is_open:
            raise self._not_connected()
        if not self._is_connected:
            self._is_connected, self.ending = True, None
            self.connections += 1
            self._on_status(Connected(ADDRESS))
            self.changes.notify()

    def lose(self, reason: str) -> None:
        """Lose the connection, if there is one."""
        if self._is_connected:
            self._is_connected, self.ending = False, ConnectionClosed(ADDRESS, reason)
            self._on_status(Reconnecting(1, 0.0, self.ending))
            self.changes.notify()

    def close(self) -> None:
        """Close the connection, after calling the functions of `before_end`."""
        if self._is_open:
            for act in tuple(self.before_end):
                act()
            self._is_open = self._is_connected = False
            self.ending = ClientClosed(ADDRESS, "the client was closed")
            self._on_status(Closed())
            self.changes.notify()

    def lose_reply(self, lose: Callable[[], None]) -> None:
        """Call `lose`, which loses the connection, after the next request is executed."""
        self._lose_reply = lose

    async def request(
        self, operation: str, timeout: float | None, execute: Callable[[], _T], *, is_repeatable: bool = True
    ) -> _T:
        """Execute a request in a later iteration of the event loop, when there is a connection.

        Args:
            operation: Description of the request, for errors.
            timeout: Seconds to wait for a connection; None for as long as it takes.
            execute: The request.
            is_repeatable: Whether the request is executed again if its reply is lost.

        Raises:
            ConnectionClosed: The reply was lost, and the request cannot be repeated.
        """
        begun = self._telemetry.begin_request()
        try:
            result = await self._execute(operation, timeout, execute, is_repeatable=is_repeatable)
        except BaseException as error:
            self._telemetry.end_request(_kind(operation), begun, error)
            raise
        self._telemetry.end_request(_kind(operation), begun)
        return result

    async def _execute(
        self, operation: str, timeout: float | None, execute: Callable[[], _T], *, is_repeatable: bool
    ) -> _T:
        if not self._is_open:
            raise self._not_connected()
        self._requests += 1
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(0)
                while not self._is_connected:
                    if not self._is_open:
                        raise self.ending or self._not_connected()
                    await self.changes.wait()
        except TimeoutError:
            raise OperationTimedOut(operation, timeout or 0.0, 0, is_connected=False) from None
        finally:
            self._requests -= 1
            if not self._requests:
                self.changes.notify()
        if self._lose_reply is None:
            return execute()
        lose, self._lose_reply = self._lose_reply, None
        with suppress(RxPumpError):  # The lost reply can be an error.
            execute()
        lose()
        if not is_repeatable:
            raise RequestInterrupted(ADDRESS, "the reply was lost", operation)
        return await self._execute(operation, timeout, execute, is_repeatable=True)

    async def settled(self) -> None:
        """Wait until no request is pending."""
        while self._requests:
            await self.changes.wait()

    def ending_of(self, connection: int) -> RxPumpError | None:
        """Return the error that ended a connection; None if it is the current one."""
        if self._is_connected and connection == self.connections:
            return None
        return self.ending or ConnectionClosed(ADDRESS, "the connection was lost")

    def _not_connected(self) -> NotConnected:
        return NotConnected("closed" if self.connections else "not connected")

    def __repr__(self) -> str:
        state = "connected" if self._is_connected else "reconnecting" if self._is_open else "closed"
        return f"<MockConnection {state}, {self._requests} requests pending>"


def _kind(operation: str) -> RequestKind:
    """Return the kind of a request in metrics.

    Args:
        operation: Description of the request.
    """
    return _KINDS.get(operation.partition(" ")[0], RequestKind.OTHER)
