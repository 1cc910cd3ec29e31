"""The TCP transport: each request an operation, given to the ledger, its answer awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from rxpump.direction import StreamDirection
from rxpump.errors import ClientClosed, ConnectionFailed, NotConnected, RxPumpError
from rxpump.events import Event
from rxpump.new_event import NewEvent
from rxpump.pages import AllPage, StreamPage
from rxpump.position import Position
from rxpump.protocol.channel import Channel
from rxpump.protocol.ledger import Ledger
from rxpump.protocol.operations.append import Append
from rxpump.protocol.operations.operation import Operation
from rxpump.protocol.operations.ping import Ping
from rxpump.protocol.operations.read_all import READ_ALL
from rxpump.protocol.operations.read_event import ReadEvent
from rxpump.protocol.operations.read_stream import READ_STREAM
from rxpump.protocol.operations.subscribe import Subscribe
from rxpump.runtime import Runtime
from rxpump.settings import Settings
from rxpump.status import Closed, Status
from rxpump.transport.base import Subscription, Transport
from rxpump.transport.tcp.connection import settle_all
from rxpump.transport.tcp.keeper import Keeper
from rxpump.transport.tcp.locator import Locator
from rxpump.transport.tcp.subscription import ChannelSubscription
from rxpump.write_result import WriteResult

_T = TypeVar("_T")


class TcpTransport(Transport):
    """Speaks to the node that `locator` names."""

    def __init__(
        self, locator: Locator, settings: Settings, runtime: Runtime, on_status: Callable[[Status], None]
    ) -> None:
        super().__init__(runtime, on_status)
        self._locator = locator
        self._settings = settings
        self._ledger = Ledger(settings)
        self._keeper: Keeper | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._upkeep = Runtime(f"{settings.name} connection")
        self._settled = asyncio.Event()

    async def open(self) -> None:
        """Connect, trying for as long as `connect_within` allows; whoever stops waiting stops the trying."""
        keeper = self._keeper
        if keeper is None or self._keeping is None or self._keeping.done():
            self._keeper = keeper = Keeper(self._locator, self._settings, self._ledger, self.on_status)
            self._keeping = self._upkeep.start(self._keep(keeper), "keep the connection")
        try:
            async with asyncio.timeout(self._settings.connect_within):
                await asyncio.shield(keeper.first)
        except BaseException as error:
            failure = keeper.failure
            await self.close()
            if isinstance(error, TimeoutError):
                raise failure from None
            raise

    async def close(self) -> None:
        """End the connection and everything that waits for it."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait((self._keeping,))
        await self._locator.close()

    async def settled(self) -> None:
        """Wait for the last answer."""
        while len(self._ledger):
            self._settled.clear()
            await self._settled.wait()

    async def ping(self) -> None:
        """Ask for a Pong."""
        await self._request(Ping())

    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Send WriteEvents."""
        operation = Append(stream, events, expected_version, require_leader=self._settings.require_leader)
        return await self._request(operation)

    async def read_event(self, stream: str, number: int, *, resolve_links: bool) -> Event:
        """Send ReadEvent."""
        leader = self._settings.require_leader
        return await self._request(ReadEvent(stream, number, resolve_links=resolve_links, require_leader=leader))

    async def read_stream(
        self, stream: str, from_event: int, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Send ReadStreamEvents."""
        leader = self._settings.require_leader
        operation = READ_STREAM[direction]
        return await self._request(
            operation(stream, from_event, max_count, resolve_links=resolve_links, require_leader=leader)
        )

    async def read_all(
        self, from_position: Position, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> AllPage:
        """Send ReadAllEvents."""
        leader = self._settings.require_leader
        operation = READ_ALL[direction]
        return await self._request(
            operation(from_position, max_count, resolve_links=resolve_links, require_leader=leader)
        )

    async def subscribe(self, stream: str | None, *, resolve_links: bool) -> Subscription:
        """Send SubscribeToStream."""
        settings = self._settings
        channel = await self._request(
            Subscribe(
                stream,
                resolve_links=resolve_links,
                max_events=settings.live_buffer_events,
                max_bytes=settings.live_buffer_bytes,
            )
        )
        return ChannelSubscription(channel, self._give_up)

    def _give_up(self, channel: Channel) -> None:
        self._ledger.give_up(channel)
        self._wake()

    def _wake(self) -> None:
        if self._keeper is not None and self._keeper.connection is not None:
            self._keeper.connection.wake()

    async def _request(self, operation: Operation[_T]) -> _T:
        """Hand an operation to the ledger and wait; whoever stops waiting takes it back."""
        if self._keeper is None or self._keeping is None or self._keeping.done():
            raise NotConnected("not connected" if self._keeper is None else "closed")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request = self._ledger.submit(operation, answer)
        self._wake()
        try:
            return cast(_T, await answer)
        except asyncio.CancelledError:
            self._ledger.withdraw(request)
            self._wake()
            raise
        finally:
            self._settled.set()

    async def _keep(self, keeper: Keeper) -> None:
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
            ended = reason or ClientClosed(keeper.address, "the client was closed")
            settle_all(self._ledger.close(ended))
            if not keeper.first.done():
                keeper.first.set_exception(ended)
                keeper.first.exception()  # whoever waits for it sees it; if nobody does, that is all right
            self.on_status(Closed(reason))

    def __repr__(self) -> str:
        return f"<TcpTransport {self._locator!r} {self._keeper!r} {self._ledger!r}>"
