"""The connections of a client to its server, and the task that replaces them when they are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ClientClosed, ConnectionFailed, NotConnected, RxPumpError
from rxpump.grpc.call import Call
from rxpump.grpc.connection import GrpcConnection
from rxpump.grpc.connection_pool import ConnectionPool
from rxpump.grpc.dialer import Dialer, Node
from rxpump.grpc.reconnector import GrpcReconnector
from rxpump.model.status import Closed, Status
from rxpump.network.node_resolver import NodeResolver
from rxpump.settings import Settings


class Channel:
    """The connections of a client to its server.

    Args:
        resolver: Finds the node to connect to.
        dialer: Opens connections.
        settings: Settings of the client.
        on_status: Function that is called with each change of the status.

    Attributes:
        dialer: Opens connections.
        before_close: Functions to call just before the client closes, when messages can still be sent.
    """

    def __init__(
        self,
        resolver: NodeResolver[Node],
        dialer: Dialer,
        settings: Settings,
        on_status: Callable[[Status], None],
    ) -> None:
        self.before_close: set[Callable[[], None]] = set()
        self.dialer: Dialer = dialer
        self._resolver = resolver
        self._settings = settings
        self._on_status = on_status
        self._tasks = BackgroundTasks(f"{settings.name} connection")
        self._pool = ConnectionPool(self._tasks)
        self._keeper: asyncio.Task[None] | None = None
        self._reconnector: GrpcReconnector | None = None
        self._ended: RxPumpError | None = None
        self._requests = 0
        self._leaving: set[asyncio.Task[None]] = set()  # tasks that cancel calls after a delay
        self._waiting_to_open = 0
        self._was_opened = False

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts calls now."""
        return bool(self._pool.connections)

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

    def start(self) -> GrpcReconnector:
        """Begin to connect, if that was not begun before."""
        reconnector = self._reconnector
        if reconnector is None or not self._is_running:
            reconnector = self._begin()
        return reconnector

    async def close(self) -> None:
        """End all calls with ClientClosed, and close the connections."""
        for act in tuple(self.before_close):
            act()
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))
        await self._stop()
        self._ended = None

    async def settled(self) -> None:
        """Wait until no request is pending, and until calls that are left have been cancelled."""
        while self._requests:
            await self._pool.changed()
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))

    def begin_request(self) -> None:
        """Count a request as pending, so that `settled` waits for it."""
        self._requests += 1

    def end_request(self) -> None:
        """Count a request as completed, so that `settled` no longer waits for it."""
        self._requests -= 1
        if not self._requests:
            self._pool.notify()

    def cancel_later(self, call: Call, seconds: float) -> None:
        """Cancel a call `seconds` after its last message was sent, so that the server can read it. `close` waits."""
        task = self._tasks.start(_cancel_later(call, seconds), f"end {call.context.operation}")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def connection(self) -> GrpcConnection:
        """Wait for a connection on which a call can be opened, and return it. The call must be opened at once.

        Raises:
            NotConnected: `open` was not called, or `close` was.
            RxPumpError: The reason for which no further connection is made.
        """
        while True:
            self.check_open()
            found = self._pool.find()
            if found is not None:
                return found
            await self._pool.changed()

    def check_open(self) -> None:
        """Check that there is a connection, or that attempts to connect are being made; see `connection`."""
        if not self._is_running:
            if self._ended is not None:
                raise self._ended.with_traceback(None)
            raise NotConnected("not connected" if self._reconnector is None else "closed")

    @property
    def _is_running(self) -> bool:
        """Whether there is a connection, or attempts to connect are being made."""
        return self._keeper is not None and not self._keeper.done() and not self._keeper.get_loop().is_closed()

    def _begin(self) -> GrpcReconnector:
        """Start to connect in the running event loop."""
        self._pool = ConnectionPool(self._tasks)  # The old pool can belong to another event loop.
        self._ended = None
        self._was_opened = False
        reconnector = GrpcReconnector(self._resolver, self.dialer, self._settings, self._pool, self._on_status)
        self._reconnector = reconnector
        self._keeper = self._tasks.start(self._keep_connected(reconnector), "keep the connection")
        return reconnector

    async def _stop(self) -> None:
        if self._keeper is not None and not self._keeper.get_loop().is_closed():
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))
        await self._resolver.close()

    async def _keep_connected(self, reconnector: GrpcReconnector) -> None:
        """Run the reconnector. When it ends, fail all calls with its reason."""
        reason: RxPumpError | None = None
        try:
            reason = await reconnector.run()
        except RxPumpError as error:  # The resolver found no node.
            reason = error
        except Exception as error:  # Calls must not wait forever because of an internal error.
            reason = ConnectionFailed(self.address, 1, f"{type(error).__name__}: {error}")
            reason.__cause__ = error
        finally:
            self._ended = reason
            ended = reason or ClientClosed(self.address, "the client was closed")
            if not reconnector.first.done():
                reconnector.first.set_exception(ended)
                reconnector.first.exception()  # Retrieve it, so that asyncio does not log it.
            await self._pool.close(ended)
            self._keeper = None
            self._pool.notify()
            self._on_status(Closed(reason))

    def __repr__(self) -> str:
        return f"<Channel {self._reconnector!r}, {self._requests} requests, {self._pool!r}>"


class LeaderChannel(Channel):
    """Connections to the leader, for a client whose reads are served by another node.

    They are opened when the first request is made that only the leader serves.

    Args:
        reads: Connections for reads, which the client opens and closes.
        resolver: Finds the leader.
        settings: Settings of the client for requests to the leader.
    """

    def __init__(self, reads: Channel, resolver: NodeResolver[Node], settings: Settings) -> None:
        super().__init__(resolver, reads.dialer, settings, lambda status: None)
        self._reads = reads

    async def connection(self) -> GrpcConnection:
        """Wait for a connection to the leader; see `Channel.connection`."""
        self._reads.check_open()
        self.start()
        return await super().connection()


async def _cancel_later(call: Call, seconds: float) -> None:
    if not call.has_ended:
        await call.drain()
        await asyncio.sleep(seconds)
        call.cancel()
