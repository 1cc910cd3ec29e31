"""A connection that all requests of a client share, and that is replaced when it is lost."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ClientClosed, ConnectionFailed, NotConnected, RxPumpError
from rxpump.model.status import Closed, Status
from rxpump.network.node_resolver import NodeResolver
from rxpump.network.reconnector import Reconnector
from rxpump.settings import Settings

R = TypeVar("R", bound=Reconnector[Any])


class LastingConnection(ABC, Generic[R]):
    """A connection that is opened and closed by the client, and kept open in between by a reconnector.

    Args:
        resolver: Finds the node to connect to.
        settings: Settings of the client.
        on_status: Function that is called with each change of the connection's status.
    """

    def __init__(self, resolver: NodeResolver[Any], settings: Settings, on_status: Callable[[Status], None]) -> None:
        self._settings = settings
        self._on_status = on_status
        self._tasks = BackgroundTasks(f"{settings.name} connection")
        self._reconnector: R | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ended: RxPumpError | None = None
        self._waiting_to_open = 0
        self._was_opened = False
        self._is_closing = False
        self._nodes = resolver

    @property
    def address(self) -> str:
        """Address of the current or last node, for errors."""
        return "the server" if self._reconnector is None else self._reconnector.address

    async def open(self) -> None:
        """Connect. Attempts are repeated for as long as `connect_within` allows.

        Several tasks can wait for the same connection. The attempts end when the last of them stops waiting.

        Raises:
            ConnectionFailed: No node was reached in time.
            NotAuthenticated: The server refused the credentials.
        """
        reconnector = self.start()
        self._waiting_to_open += 1
        try:
            async with asyncio.timeout(self._settings.connect_within):
                await asyncio.shield(reconnector.first)
        except BaseException as error:
            failure = reconnector.failure
            if self._waiting_to_open == 1 and not self._was_opened:
                await self._stop()
                self._ended = failure if isinstance(error, TimeoutError) else self._ended
            if isinstance(error, TimeoutError):
                raise failure from None
            raise
        else:
            self._was_opened = True
        finally:
            self._waiting_to_open -= 1

    def start(self) -> R:
        """Start connecting, unless attempts are being made or there is a connection. Requests wait for it."""
        reconnector = self._reconnector
        if reconnector is not None and self._is_running:
            return reconnector
        self._ended = None
        self._was_opened = False
        self._reconnector = reconnector = self._new_reconnector()
        self._keeper = self._tasks.start(self._keep_connected(reconnector), "keep the connection")
        return reconnector

    def check_open(self) -> None:
        """Check that the connection is open, or that attempts to connect are being made.

        Raises:
            NotConnected: `open` was not called, or `close` was.
            RxPumpError: The reason for which no further connection is made.
        """
        if self._is_running and not self._is_closing:
            return
        if self._ended is not None:
            raise self._ended.with_traceback(None)
        raise NotConnected("not connected" if self._reconnector is None else "closed")

    async def close(self) -> None:
        """End all requests with ClientClosed, and close the connection. New requests are refused at once."""
        self._is_closing = True
        try:
            await self._stop()
        finally:
            self._is_closing = False
        self._ended = None

    @abstractmethod
    def _new_reconnector(self) -> R:
        """Return a reconnector for the running event loop, and discard the state of an earlier event loop."""

    async def _leave(self) -> None:
        """Prepare the end of the connection, just before it is closed. By default nothing is done."""
        return

    @abstractmethod
    async def _end_requests(self, error: RxPumpError) -> None:
        """End all requests with an error, because no further connection is made."""

    @property
    def _is_running(self) -> bool:
        """Whether the connection is open, or attempts to connect are being made, in the running event loop."""
        keeper = self._keeper
        return keeper is not None and not keeper.done() and keeper.get_loop() is asyncio.get_running_loop()

    async def _stop(self) -> None:
        keeper = self._keeper  # Another task can connect again while this one waits.
        if keeper is not None and not keeper.get_loop().is_closed():
            await asyncio.sleep(0)  # A task that is cancelled before it has begun would not end the requests.
            try:
                await self._leave()
            finally:
                if not keeper.cancelling():  # A second cancellation would interrupt the end of the connection.
                    keeper.cancel()
                await asyncio.wait((keeper,))
        await self._nodes.close()

    async def _keep_connected(self, reconnector: R) -> None:
        """Run the reconnector. When it ends, end all requests with its reason."""
        reason: RxPumpError | None = None
        try:
            reason = await reconnector.run()
        except RxPumpError as error:  # The resolver found no node.
            reason = error
        except Exception as error:  # Requests must not wait forever because of an internal error.
            reason = ConnectionFailed(reconnector.address, 1, f"{type(error).__name__}: {error}")
            reason.__cause__ = error
        finally:
            self._ended = reason
            ended = reason or ClientClosed(reconnector.address, "the client was closed")
            if not reconnector.first.done():
                reconnector.first.set_exception(ended)
                reconnector.first.exception()  # Mark the exception as retrieved, so that asyncio does not log it.
            await self._end_requests(ended)
            self._on_status(Closed(reason))
