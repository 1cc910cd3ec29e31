"""The part of a client that all its methods share."""

from __future__ import annotations

import asyncio

from reactivex import abc
from reactivex import operators as rx
from reactivex.subject import BehaviorSubject

from rxpump.clock import check_scheduler
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.filters import EventFilter
from rxpump.model.metrics import Metrics
from rxpump.model.new_events import UNSET
from rxpump.model.status import Closed, Status
from rxpump.settings import Settings
from rxpump.streams.observable import Observable, Piped
from rxpump.streams.snapshots import Snapshots
from rxpump.transport import Capability, Transport

READ_BATCH = 500
"""Default for the most events of a page."""


class ClientBase:
    """A transport, its settings and its status.

    The methods of a client are grouped by module. Each group extends the one before it, and each is a client of its
    own: ClientBase, ReadClient, WriteClient, TransactionClient, SubscriptionClient, GroupClient, AdminClient, Client.

    Args:
        settings: Settings of the client.
        transport: Connection to the server. Its background tasks are those of the client.
        status: Status of the connection, which the transport updates.
    """

    def __init__(self, settings: Settings, transport: Transport, status: BehaviorSubject[Status]) -> None:
        self.name: str = settings.name
        self._settings = settings
        self._runtime = transport.runtime
        self._transport = transport
        """Transport for subscriptions and publishers. A request waits as long as the reconnect policy allows."""
        self._calls = transport.with_timeout(settings.timeout)
        """Transport for calls. Each request has the deadline of the settings."""
        self._status = status

    @property
    def status(self) -> Observable[Status]:
        """Status of the connection: the current one at once, then each change, until the client is closed."""
        return Piped(self._status).pipe(rx.take_while(lambda status: not isinstance(status, Closed), inclusive=True))

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts requests now. `status` reports changes."""
        return self._transport.is_connected

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Optional features that the protocol of the connection has.

        A request that needs another one raises NotSupported. A feature that the protocol has can still be missing
        on an old server, which a request finds out.

        Example:
            `can_list_groups = Capability.GROUP_INFO in client.capabilities`
        """
        return self._transport.capabilities

    def metrics(self, interval: float = 1.0, *, scheduler: abc.SchedulerBase | None = None) -> Observable[Metrics]:
        """Measure the bytes and requests of the client, and the state of its subscriptions.

        The counters are those of the connection, which the clients of `as_user` share. For each subscription that is
        not live, and for each consumer group, a snapshot sends one request, which the counters include.

        Args:
            interval: Seconds between two snapshots. A slow consumer gets fewer.
            scheduler: Scheduler of the timers, for example a virtual-time scheduler in a test. None: the one that
                `subscribe` is given, or else the event loop.

        Returns:
            An Observable of snapshots: one at once, then one in each interval. It completes when the client drains,
            and fails with ClientClosed if the client is closed before.

        Example:
            client.metrics(10).subscribe(lambda now: log.info("%d requests in flight", now.in_flight))
        """
        check_scheduler(scheduler)
        seconds, status = checks.seconds("interval", interval), self._status
        return Snapshots(self._runtime, self._transport.telemetry, lambda: status.value, seconds, scheduler)

    async def drain(self, timeout: float = 5.0) -> bool:
        """End subscriptions and reads, and wait until all work in progress is finished.

        Subscriptions and reads complete. Operators and publishers process and write the events that they have
        buffered, checkpoints are stored, and acknowledgements are sent. A consumer of a group waits until each of its
        deliveries is acknowledged or refused. The connection stays open; call `close()` afterwards.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether all work was finished in time.

        Raises:
            WrongEventLoop: The client is connected in another event loop.

        Example:
            `if not await client.drain(timeout=30): log.warning("some work was not finished")`
        """
        self._runtime.check()
        try:
            async with asyncio.timeout(checks.seconds("timeout", timeout, least=0)):
                await self._runtime.drain()
                await self._transport.settled()
        except TimeoutError:
            return False
        return True

    def _page_size(self, value: int, *, argument: str = "max_count") -> int:
        """Return `value`, a number of events in one request.

        Raises:
            InvalidArgument: It is not a number from 1 to the limit of the transport.
        """
        return checks.page_size(value, argument=argument, most=self._transport.limits.page_events)

    def _within(self, timeout: float | None) -> Transport:
        """Return the transport for a call with this timeout, or with that of the settings if it is UNSET."""
        return self._calls if timeout is UNSET else self._transport.with_timeout(checks.timeout(timeout))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self._status.value}>"


def checked_filter(where: object) -> EventFilter | None:
    """Return `where` if it is a filter or None.

    Raises:
        InvalidArgument: It is anything else.
    """
    if where is not None and not isinstance(where, EventFilter):
        raise InvalidArgument("where", where, "the result of ops.where(...), or an EventFilter")
    return where
