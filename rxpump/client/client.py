"""The client: its connection's life, and all verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from reactivex import operators as rx
from reactivex.subject import BehaviorSubject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.client.all_verbs import AllVerbs
from rxpump.model import checks
from rxpump.model.status import Closed, Idle, Status
from rxpump.settings import Settings
from rxpump.streams.observable import Observable, Piped
from rxpump.transport import Transport

MakeTransport = Callable[[BackgroundTasks, Callable[[Status], None]], Transport]


class Client(AllVerbs):
    """One shared connection to one event store; make it with `rxpump.connect`.

    `async with` connects and, when the block ends well, drains before it closes.

    Every verb gives a cold Observable: nothing is sent before it is awaited, iterated or subscribed to, and
    each subscription asks anew. Arguments that the server could only refuse are refused at the call, with
    InvalidArgument. What the server refuses arrives as an error of `rxpump.errors`.

    A call has a deadline, `timeout` seconds after it was made (by default that of the settings, 10 seconds), whether
    or not there is a connection; then it raises OperationTimedOut. With `timeout=None` it waits for ever.
    """

    def __init__(self, settings: Settings, make_transport: MakeTransport) -> None:
        self.name: str = settings.name
        self._settings = settings
        self._runtime = BackgroundTasks(settings.name)
        self._status: BehaviorSubject[Status] = BehaviorSubject(Idle())
        self._transport = make_transport(self._runtime, self._status.on_next)
        self._calls = self._transport.with_timeout(settings.timeout)

    @property
    def status(self) -> Observable[Status]:
        """What the connection is doing: the latest at once, then each change, until it is closed."""
        return Piped(self._status).pipe(rx.take_while(lambda status: not isinstance(status, Closed), inclusive=True))

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection to the server now; `status` says more, and what becomes of it."""
        return self._transport.is_connected

    async def connect(self) -> Client:
        """Connect, in the running event loop, to which the client belongs until it is closed.

        Returns:
            The client itself.

        Raises:
            ConnectionFailed: There was no connection within `connect_within` seconds.
            NotAuthenticated: The server refused the login.
            WrongEventLoop: The client is connected in another event loop.
        """
        self._runtime.bind()
        try:
            await self._transport.open()
        except BaseException:
            if not self._transport.is_connected:
                self._runtime.release()
            raise
        self._runtime.bind()
        return self

    async def close(self) -> None:
        """Disconnect. Everything that is under way ends with ClientClosed.

        A client that is closed can be connected again, also in another event loop.

        Raises:
            WrongEventLoop: The client is connected in another event loop, which is not closed.
        """
        if not self._runtime.is_orphaned:
            self._runtime.check()
            # Pipelines first: a coroutine in one of them must not meet a client that is closed already.
            await self._runtime.stop()
            await self._transport.close()
            await self._runtime.stop()
        self._runtime.release()

    async def drain(self, timeout: float = 5.0) -> bool:
        """Take nothing more in and finish what is under way; tell whether that was done within `timeout` seconds.

        Subscriptions and reads complete; what operators and publishers still keep is worked off and written,
        checkpoints are committed, deliveries acknowledged (one that nobody settles is waited for). `close()` comes
        after.
        """
        self._runtime.check()
        try:
            async with asyncio.timeout(checks.seconds("timeout", timeout, least=0)):
                await self._runtime.drain()
                await self._transport.settled()
        except TimeoutError:
            return False
        return True

    async def __aenter__(self) -> Client:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.drain()
        await self.close()

    def __repr__(self) -> str:
        return f"<Client {self.name}: {self._status.value}>"
