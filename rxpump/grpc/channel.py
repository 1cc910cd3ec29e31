"""The connections of a client to its server, which are replaced when they are lost.

One task finds a node, connects to it, waits until the connection is lost, and starts again. It also moves on if the
server shuts down, or names another node as the leader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import (
    CertificateRefused,
    ClientClosed,
    ConnectionClosed,
    ConnectionFailed,
    NotAuthenticated,
    NotConnected,
    ReconnectFailed,
    RxPumpError,
)
from rxpump.grpc.call import Call
from rxpump.grpc.connection import GrpcConnection, first_of
from rxpump.grpc.connection_pool import ConnectionPool
from rxpump.grpc.dialer import Dialer
from rxpump.grpc.node_resolver import Node, NodeResolver
from rxpump.model.status import Closed, Connected, Connecting, Reconnecting, Status
from rxpump.network.reconnect_policy import ReconnectPolicy
from rxpump.settings import Settings

_LASTING_SECONDS = 1.0
"""Seconds after which a connection counts as one that works."""


class Channel:
    """The connections of a client to its server.

    Args:
        resolver: Finds the node to connect to.
        dialer: Opens connections.
        settings: Settings of the client.
        on_status: Function that is called with each change of the status.

    Attributes:
        dialer: Opens connections.
        address: Address of the current or last node, for errors.
        before_close: Functions to call just before the client closes, when messages can still be sent.
    """

    def __init__(
        self, resolver: NodeResolver, dialer: Dialer, settings: Settings, on_status: Callable[[Status], None]
    ) -> None:
        self.address: str = "the server"
        self.before_close: set[Callable[[], None]] = set()
        self.dialer: Dialer = dialer
        self._resolver = resolver
        self._settings = settings
        self._on_status = on_status
        self._policy = ReconnectPolicy(settings.reconnect, _LASTING_SECONDS)
        self._tasks = BackgroundTasks(f"{settings.name} connection")
        self._pool = ConnectionPool(self._tasks)
        self._keeper: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._moving: asyncio.Future[None] | None = None
        self._leader: Node | None = None
        self._problem: RxPumpError | None = None
        self._ended: RxPumpError | None = None
        self._requests = 0
        self._leaving: set[asyncio.Task[None]] = set()  # tasks that cancel calls
        self._waiting_to_open = 0
        self._was_opened = False

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts calls now."""
        return bool(self._pool.connections)

    async def open(self) -> None:
        """Connect. Attempts are repeated for as long as `connect_within` allows.

        Several tasks can wait for the same connection. The attempts end when the last of them stops waiting.

        Raises:
            ConnectionFailed: No node was reached in time.
            NotAuthenticated: The server refused the credentials.
        """
        first = self._first
        if first is None or not self._is_running:
            first = self._begin()
        self._waiting_to_open += 1
        try:
            async with asyncio.timeout(self._settings.connect_within):
                await asyncio.shield(first)
        except BaseException as error:
            failure = self._failure
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

    async def close(self) -> None:
        """End all calls with ClientClosed, and close the connections."""
        for act in tuple(self.before_close):
            act()
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))
        await self._stop()
        self._ended = None

    async def settled(self) -> None:
        """Wait until no request is pending."""
        while self._requests:
            await self._pool.changed()

    def begin_request(self) -> None:
        """Count a request as pending, for `settled`."""
        self._requests += 1

    def end_request(self) -> None:
        """Note that a request is no longer pending."""
        self._requests -= 1
        if not self._requests:
            self._pool.notify()

    def cancel_later(self, call: Call, seconds: float) -> None:
        """Cancel a call some time after its last message was sent, so that the server can read it. `close` waits."""
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
            if not self._is_running:
                if self._ended is not None:
                    raise self._ended.with_traceback(None)
                raise NotConnected("not connected" if self._first is None else "closed")
            found = self._pool.find()
            if found is not None:
                return found
            await self._pool.changed()

    @property
    def _is_running(self) -> bool:
        """Whether the connection is open, or attempts are being made."""
        return self._keeper is not None and not self._keeper.done() and not self._keeper.get_loop().is_closed()

    def _begin(self) -> asyncio.Future[None]:
        """Start to connect in the running event loop."""
        self._pool = ConnectionPool(self._tasks)  # an earlier one can belong to another event loop
        self._first = first = asyncio.get_running_loop().create_future()
        self._ended = None
        self._was_opened = False
        self._policy = ReconnectPolicy(self._settings.reconnect, _LASTING_SECONDS)
        self._keeper = self._tasks.start(self._keep_connected(first), "keep the connection")
        return first

    async def _stop(self) -> None:
        if self._keeper is not None and not self._keeper.get_loop().is_closed():
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))

    async def _keep_connected(self, first: asyncio.Future[None]) -> None:
        """Connect again and again. In the end, fail all calls with the reason."""
        reason: RxPumpError | None = None
        try:
            reason = await self._run(first)
        except RxPumpError as error:  # there is no node to connect to
            reason = error
        except Exception as error:  # a fault of the code must not let calls wait forever
            reason = ConnectionFailed(self.address, 1, f"{type(error).__name__}: {error}")
            reason.__cause__ = error
        finally:
            self._ended = reason
            ended = reason or ClientClosed(self.address, "the client was closed")
            if not first.done():
                first.set_exception(ended)
                first.exception()  # mark the exception as retrieved
            await self._pool.close(ended)
            self._keeper = None
            self._pool.notify()
            self._on_status(Closed(reason))

    async def _run(self, first: asyncio.Future[None]) -> RxPumpError:
        """Connect again and again. Return the error after which no further attempt is made."""
        while True:
            leader, self._leader = self._leader, None
            node = leader or await self._resolver.locate()
            self.address = str(node)
            self._on_status(Connecting(self.address))
            self._problem = problem = await self._connect_and_serve(node, first)
            if not first.done() and isinstance(problem, (CertificateRefused, NotAuthenticated)):
                return problem
            delay = self._policy.wait(is_hint=self._leader is not None)
            if delay is None:
                return self._failure_of_policy(problem, first)
            self._on_status(Reconnecting(max(self._policy.attempts, 1), delay, problem))
            await asyncio.sleep(delay)

    async def _connect_and_serve(self, node: Node, first: asyncio.Future[None]) -> RxPumpError:
        """Connect to a node, and wait until the connection is lost or the client moves on. Return the reason."""
        attempt = self._policy.attempts + 1

        async def dial() -> GrpcConnection:
            return await self.dialer.dial(node, attempt, self._note_change)

        try:
            connection = await dial()
        except RxPumpError as error:
            return error
        loop = asyncio.get_running_loop()
        since = loop.time()
        self._moving = loop.create_future()
        self._pool.begin(connection, dial)
        self._on_status(Connected(self.address))
        if not first.done():
            first.set_result(None)
        self._note_change()  # the connection may have changed since it was ready
        await first_of(connection.closed, self._moving)
        self._policy.lasted(loop.time() - since)
        if connection.has_answered:
            self._policy.settled()
        return self._leave(connection, node)

    def _leave(self, connection: GrpcConnection, node: Node) -> RxPumpError:
        """Leave the current node. Return the reason."""
        named = next((each.leader for each in self._pool.connections if each.leader is not None), None)
        if named is not None and Node(*named) != node:
            self._leader = Node(*named)
            error = ConnectionClosed(self.address, f"another node leads: {self._leader}")
            self._pool.drop(error)
            return error
        if connection.closed.done():
            self._pool.drop(connection.closed.result())
            return connection.closed.result()
        self._pool.retire()
        return ConnectionClosed(self.address, "the server shuts the connection down")

    def _note_change(self) -> None:
        """Wake the callers that wait, and move on if a connection has learned that this is necessary."""
        self._pool.notify()
        if self._moving is None or self._moving.done():
            return
        if any(each.is_going_away or each.leader is not None for each in self._pool.connections):
            self._moving.set_result(None)

    def _failure_of_policy(self, problem: RxPumpError, first: asyncio.Future[None]) -> RxPumpError:
        """Return the error after the last attempt that the policy allows."""
        failed = self._failure
        if first.done():
            failed = ReconnectFailed(self.address, max(self._policy.attempts, 1), failed.reason)
        if failed is not problem:
            failed.__cause__ = problem
        return failed

    @property
    def _failure(self) -> ConnectionFailed | NotAuthenticated:
        """The error for callers while there is no connection."""
        attempts, problem = max(self._policy.attempts, 1), self._problem
        if isinstance(problem, NotAuthenticated):
            return problem
        if isinstance(problem, (ConnectionClosed, ConnectionFailed)):
            # Use the reason alone, because it becomes part of a sentence.
            return ConnectionFailed(self.address, attempts, problem.reason)
        return ConnectionFailed(self.address, attempts, "no answer" if problem is None else str(problem))

    def __repr__(self) -> str:
        state = "connected" if self.is_connected else f"not connected: {self._problem}"
        return f"<Channel to {self.address} {state}, {self._requests} requests, {self._pool!r}>"


async def _cancel_later(call: Call, seconds: float) -> None:
    if not call.has_ended:
        await call.drain()
        await asyncio.sleep(seconds)
        call.cancel()
