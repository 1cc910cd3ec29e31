"""The connections of one client to the nodes of a cluster.

A client that reads from the leader has one connection. A client whose reads may be served by other nodes has a second
connection, to the leader, for the requests that only the leader serves. It is opened when the first such request is
made, so that the other connection stays where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from rxpump.discovery.discovery import for_leader
from rxpump.errors import IsReadOnly, NotLeader
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.tcp.node_resolver import TcpNodeResolver
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.shared_connection import SharedConnection
from rxpump.telemetry import Telemetry
from rxpump.transport.deadline import Deadline

_T = TypeVar("_T")

Ask = Callable[[Operation[Any], Deadline | None], Coroutine[Any, Any, Any]]
"""Coroutine function that sends a request, which may have a deadline, and returns its result."""


class NodeConnections:
    """One connection for all requests, or one for reads and one to the leader.

    Args:
        resolver: Finds the node for reads.
        settings: Settings of the client.
        on_status: Function that is called with each change of the status of the connection for reads.
        telemetry: Counters of the client.

    Attributes:
        reads: Connection for reads and subscriptions.
        leader: Connection for requests that only the leader serves. It is `reads` if reads also go to the leader.
        ask: Coroutine function that sends a request on the connection for its kind; see `SharedConnection.ask`.
    """

    def __init__(
        self,
        resolver: TcpNodeResolver,
        settings: Settings,
        on_status: Callable[[Status], None],
        telemetry: Telemetry,
    ) -> None:
        self.reads: SharedConnection = SharedConnection(resolver, settings, telemetry.counting(on_status), telemetry)
        to_leader = None if settings.reads_from_leader else resolver.for_leader()
        self.leader: SharedConnection = (
            self.reads
            if to_leader is None
            else SharedConnection(to_leader, for_leader(settings), lambda status: None, telemetry)
        )
        self.ask: Ask = self.reads.ask if to_leader is None else self._ask_one_of_two

    async def open(self) -> None:
        """Open the connection for reads."""
        await self.reads.open()

    async def close(self) -> None:
        """Close both connections at once, because a node that hangs delays the end of its own."""
        await asyncio.gather(*(connection.close() for connection in {self.leader, self.reads}))

    async def settled(self) -> None:
        """Wait until no request is pending on either connection."""
        await self.reads.settled()
        if self.leader is not self.reads:
            await self.leader.settled()

    async def _ask_one_of_two(self, operation: Operation[_T], deadline: Deadline | None) -> _T:
        if not operation.needs_leader:
            try:
                return await self.reads.ask(operation, deadline)
            except (NotLeader, IsReadOnly):  # A read-only replica does not forward writes.
                pass
        self.reads.check_open()
        self.leader.start()
        return await self.leader.ask(operation, deadline)

    def __repr__(self) -> str:
        leader = "" if self.leader is self.reads else f", leader {self.leader!r}"
        return f"<NodeConnections {self.reads!r}{leader}>"
