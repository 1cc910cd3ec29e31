"""The one line to a server that all requests of a client share: a ledger, and a keeper that keeps it connected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ClientClosed, ConnectionFailed, NotConnected, RxPumpError
from rxpump.model.status import Closed, Status
from rxpump.settings import Settings
from rxpump.tcp.connection import CLOSING_SECONDS, Connection, settle_all
from rxpump.tcp.node_resolver import NodeResolver
from rxpump.tcp.operations.operation import Operation
from rxpump.tcp.protocol.deadlines import Deadline
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer
from rxpump.tcp.reconnector import Reconnector
from rxpump.tcp.wire.commands import Command
from rxpump.uri import TcpAddress

_T = TypeVar("_T")


class SharedConnection:
    """Goes to the node that `locator` names; `on_status` hears what becomes of the connection."""

    def __init__(self, locator: NodeResolver, settings: Settings, on_status: Callable[[Status], None]) -> None:
        self._settled = asyncio.Event()
        self.pending: PendingRequests = PendingRequests(settings, on_left=self._settled.set)
        self._locator = locator
        self._settings = settings
        self._on_status = on_status
        self._keeper: Reconnector | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._upkeep = BackgroundTasks(f"{settings.name} connection")
        self._timer: asyncio.TimerHandle | None = None
        self._unfiltering: Connection | None = None
        self._ended: RxPumpError | None = None
        self._waiting_to_open = 0
        self._was_opened = False

    @property
    def connection(self) -> Connection | None:
        """The connection that requests go out on now."""
        return None if self._keeper is None else self._keeper.connection

    @property
    def login(self) -> str | None:
        """Login of the connection's user, None if nobody is logged in."""
        credentials = None if self.node is None else self.node.credentials
        return None if credentials is None else credentials.login

    @property
    def node(self) -> TcpAddress | None:
        """The node that the connection is to, or was to last; None before the first."""
        return None if self._keeper is None else self._keeper.node

    @property
    def may_filter(self) -> bool:
        """Whether the server at the other end may know filters; each connection may lead to another server."""
        return self._unfiltering is None or self._unfiltering is not self.connection

    def note_unfiltering(self) -> None:
        """Note that the server at the other end knows no filters, as none before version 20 does."""
        self._unfiltering = self.connection

    async def open(self) -> None:
        """Connect, trying for as long as `connect_within` allows.

        Several tasks may wait for the same connection. The attempt ends when the last one has stopped waiting.
        """
        keeper = self._keeper
        if keeper is None or not self._is_kept:
            keeper = self._begin()
        self._waiting_to_open += 1
        try:
            async with asyncio.timeout(self._settings.connect_within):
                await asyncio.shield(keeper.first)
        except BaseException as error:
            failure = keeper.failure
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

    @property
    def _is_kept(self) -> bool:
        """Whether there is a connection, or one is being made."""
        return self._keeping is not None and not self._keeping.done() and not self._keeping.get_loop().is_closed()

    def _begin(self) -> Reconnector:
        """Begin to connect, in the running loop."""
        self._settled = asyncio.Event()  # what was there before may belong to an event loop that has ended
        self.pending = PendingRequests(self._settings, on_left=self._settled.set)
        self._timer = None
        self._was_opened = False
        keeper = Reconnector(self._locator, self._settings, self.pending, self._note)
        self._keeper = keeper
        self._keeping = self._upkeep.start(self._keep(keeper), "keep the connection")
        return keeper

    async def close(self) -> None:
        """End everything that waits for the connection, unsubscribe, and end the connection."""
        await self._stop()
        self._ended = None

    async def _stop(self) -> None:
        if self._keeping is not None and not self._keeping.get_loop().is_closed():
            try:
                await self._leave()
            finally:
                self._keeping.cancel()
                await asyncio.wait((self._keeping,))
        await self._locator.close()

    async def _leave(self) -> None:
        """Wait until the server has confirmed, within CLOSING_SECONDS, that all subscriptions are over.

        What it confirms it does after everything that it was told before, acknowledgements included.
        """
        if self._keeper is None or self.connection is None:
            return
        self.connection.flush()  # what was asked for until now is still sent
        settle_all(self.pending.leave(ClientClosed(self._keeper.address, "the client was closed")))
        self.wake()
        with suppress(TimeoutError):
            await self.settled()

    async def settled(self) -> None:
        """Wait for the last answer, and until the server has confirmed that what was unsubscribed is over.

        Raises:
            TimeoutError: It did not confirm that within CLOSING_SECONDS.
        """
        while len(self.pending):
            await self._change()
        async with asyncio.timeout(CLOSING_SECONDS):
            while self.pending.is_leaving:
                await self._change()

    async def _change(self) -> None:
        self._settled.clear()
        await self._settled.wait()

    async def ask(self, operation: Operation[_T], deadline: Deadline | None = None) -> _T:
        """Send a request and wait for its answer; cancelling withdraws it.

        Args:
            operation: The request.
            deadline: When it must be answered, with or without a connection. None: within the `timeout` of the
                settings on any one connection.

        Raises:
            OperationTimedOut: It was not answered in time.
            NotConnected: `open` was not called, or `close` was.
            RxPumpError: There will be no connection any more, for this reason.
        """
        if not self._is_kept:
            if self._ended is not None:
                raise self._ended.with_traceback(None)
            raise NotConnected("not connected" if self._keeper is None else "closed")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request = self.pending.submit(operation, answer, deadline)
        self.wake()
        try:
            return cast(_T, await answer)
        except asyncio.CancelledError:
            self.pending.withdraw(request)
            self.wake()
            raise
        finally:
            self._settled.set()

    def tell(self, channel: SubscriptionBuffer[Any], command: Command, payload: bytes) -> None:
        """Say something under a channel's id; there is no answer."""
        self.pending.tell(channel, command, payload)
        self.wake()

    def give_up(self, channel: SubscriptionBuffer[Any]) -> None:
        """Unsubscribe."""
        self.pending.give_up(channel)
        self.wake()

    def wake(self) -> None:
        """Note that the ledger has something to send, or a deadline to keep."""
        if (connection := self.connection) is not None:
            connection.wake()
        else:
            self._set_timer()

    def _note(self, status: Status) -> None:
        """Report what becomes of the connection; while there is none, the deadlines are kept here."""
        if self.connection is None:
            self._set_timer()
        self._on_status(status)

    def _set_timer(self) -> None:
        deadline = self.pending.deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return  # it will look again when it rings
            self._timer.cancel()
            self._timer = None
        if deadline < float("inf"):
            self._timer = asyncio.get_running_loop().call_at(deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        settle_all(self.pending.tick(asyncio.get_running_loop().time()))
        self.wake()

    async def _keep(self, keeper: Reconnector) -> None:
        """Run the keeper; when it is over, end everything that waits, with the reason."""
        reason: RxPumpError | None = None
        try:
            reason = await keeper.run()
        except RxPumpError as error:  # no node to be found, and none to be hoped for
            reason = error
        except Exception as error:  # a mistake, ours or a locator's; nobody must wait for ever because of it
            reason = ConnectionFailed(keeper.address, 1, f"{type(error).__name__}: {error}")
            reason.__cause__ = error
        finally:
            self._ended = reason
            ended = reason or ClientClosed(keeper.address, "the client was closed")
            settle_all(self.pending.close(ended))
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if not keeper.first.done():
                keeper.first.set_exception(ended)
                keeper.first.exception()  # whoever waits for it sees it; if nobody does, that is all right
            self._on_status(Closed(reason))

    def __repr__(self) -> str:
        return f"<SharedConnection {self._locator!r} {self._keeper!r} {self.pending!r}>"
