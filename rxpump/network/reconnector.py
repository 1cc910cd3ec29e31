"""Keep one connection open: connect, follow the leader, wait, and connect again.

One task finds a node, connects to it, waits until the connection is lost, and starts again. It ends when it is
cancelled, when the reconnect policy allows no further attempt, or when a client that was never accepted is refused
permanently.

A node that is not the leader names the leader. Such a hint is followed at once, unless that node has failed or has
named another leader a short time ago (`NodeMemory`). Then the client stays connected, and the request is repeated
later. Hints are no failed attempts, so they do not make delays longer. While the client is connected to a node of a
cluster, the task looks at the gossip from time to time, and soon after a refusal, and leaves the node for a better
one.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Generic

from rxpump.discovery import Endpoint, NodeState
from rxpump.discovery.choosing import READY
from rxpump.discovery.host_overrides import overridden
from rxpump.discovery.member import Address
from rxpump.errors import (
    ConnectionClosed,
    ConnectionFailed,
    DiscoveryFailed,
    NotAuthenticated,
    ReconnectFailed,
    RxPumpError,
)
from rxpump.failure_log import FailureLog
from rxpump.model.status import Connected, Connecting, Reconnecting, Status
from rxpump.network.node_resolver import A, NodeResolver
from rxpump.network.reconnect_policy import ReconnectPolicy
from rxpump.settings import Settings

_log = logging.getLogger("rxpump.connection")

REFUSED_PAUSE: Final = 0.25
"""Shortest delay in seconds after a refusal, because servers delay clients that are refused often."""


class Reconnector(ABC, Generic[A]):
    """Keeps one connection open, by a new connection after each lost one.

    Args:
        resolver: Finds the node for each attempt.
        settings: Settings of the client.
        holds_after: Seconds after which a connection is regarded as stable.
        on_status: Function that is called with each change of the connection's status.

    Attributes:
        first: Future that is done when the first connection is ready, or when there will be none.
        address: Address of the current or last node, for errors.
        node: The same address; None before the first attempt.
    """

    def __init__(
        self,
        resolver: NodeResolver[A],
        settings: Settings,
        holds_after: float,
        on_status: Callable[[Status], None],
    ) -> None:
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.address: str = "the server"
        self.node: A | None = None
        self._resolver = resolver
        self._settings = settings
        self._on_status = on_status
        self._policy = ReconnectPolicy(settings.reconnect, holds_after)
        self._failures = FailureLog(_log, f"the connection of {settings.name}")
        self._problem: RxPumpError | None = None
        self._has_left = False
        self._doubted = asyncio.Event()

    async def run(self) -> RxPumpError:
        """Connect again after each lost connection. Return the error after which no further attempt is made."""
        leader: A | None = None
        while True:
            self._has_left = False
            address = leader or await self._locate()
            if address is not None:
                problem = await self._attempt(address, is_hint=leader is not None)
                if not self.first.done() and (final := self._verdict(problem, address)) is not None:
                    return final
            assert self._problem is not None
            leader = None if address is None else self._leader_hint(address)
            delay = self._delay(is_hint=leader is not None)
            if delay is None:
                return self._failure_of_policy(self._problem)
            if leader is None and not self._has_left:
                self._failures.failed(self._problem, delay, now())
            self._on_status(Reconnecting(max(self._policy.attempts, 1), delay, self._problem))
            await asyncio.sleep(delay)

    async def _locate(self) -> A | None:
        """Return the address of the node to connect to, or None if no node can be used now."""
        address: A | None = None
        try:
            address = await self._resolver.locate()
        except DiscoveryFailed as error:
            self._problem = error
        if (report := self._resolver.report(address)) is not None:
            self._on_status(report)
        return address

    async def _attempt(self, address: A, *, is_hint: bool) -> RxPumpError:
        """Connect to a node, and wait until the connection is lost. Return the reason, and store it.

        If the client may read from followers, the node must be ready; otherwise it would return old data.
        """
        self.address = str(address)
        self.node = address
        self._on_status(Connecting(self.address))
        limit = self._settings.connect_timeout
        if is_hint or self._resolver.has_other_nodes:
            limit = min(limit, self._settings.node_timeout)
        problem = None if self._settings.reads_from_leader else await self._not_ready(address)
        if problem is None:
            problem = await self._connect_and_serve(address, limit)
        if isinstance(problem, NotAuthenticated):
            problem = await self._not_ready(address) or problem
        self._problem = problem
        memory, key = self._resolver.memory, (address.host, address.port)
        if not self._has_left:
            memory.note_failure(key, getattr(problem, "reason", str(problem)), now())
        return problem

    async def _not_ready(self, address: A) -> RxPumpError | None:
        """Return an error if a node reports that it is starting or catching up, otherwise None.

        Such a node refuses every login, or serves old data (docs/protocol/tcp.md, section 4.14).
        """
        state = await self._resolver.state(address)
        if state is None or state in (*READY, NodeState.READ_ONLY_LEADERLESS):
            return None
        return ConnectionFailed(self.address, self._policy.attempts + 1, f"it is not ready, in the state {state}")

    def _delay(self, *, is_hint: bool) -> float | None:
        """Return the seconds until the next attempt, or None if no policy allows one."""
        if is_hint or self._has_left:
            return 0.0
        delay, longest = self._policy.wait(is_hint=False), self._resolver.longest_pause()
        if delay is None or longest is None:
            return None
        delay = min(delay, longest)
        return max(delay, REFUSED_PAUSE) if isinstance(self._problem, NotAuthenticated) else delay

    # Called by the connection -----------------------------------------------------------------------

    def may_follow(self, leader: Address) -> bool:
        """Return whether to connect to `leader`, which the connected node has named as the leader."""
        assert self.node is not None
        leader = overridden(leader, self._settings.host_overrides)
        here = (self.node.host, self.node.port)
        follows = leader != here and self._resolver.memory.may_lead(leader, now())
        self._resolver.memory.note_refusal(here, f"names {Endpoint(*leader)} as the leader", now())
        self._has_left = follows
        if not follows:
            self._doubted.set()
        return follows

    def note_refusal(self, reason: str) -> None:
        """Record that the connected node has refused a request, so that another node is looked for soon.

        Args:
            reason: Clause for errors, whose subject is the node.
        """
        assert self.node is not None
        self._resolver.memory.note_refusal((self.node.host, self.node.port), reason, now())
        self._doubted.set()

    async def _watch(self, address: A) -> None:
        """Wait until another node is better, then leave the connected one."""
        reason = await self._resolver.until_wrong(address, self._doubted)
        self._has_left = True
        self._end_connection(reason)

    # Errors -----------------------------------------------------------------------------------------

    def _failure_of_policy(self, problem: RxPumpError) -> RxPumpError:
        """Return the error after the last attempt that the policy allows."""
        failed = self.failure
        if self.first.done():
            address = failed.address if isinstance(failed, ConnectionFailed) else self.address
            failed = ReconnectFailed(address, max(self._policy.attempts, 1), failed.reason)
        if failed is not problem:
            failed.__cause__ = problem
        return failed

    @property
    def failure(self) -> ConnectionFailed | NotAuthenticated:
        """The error for requests while there is no connection."""
        attempts, problem = max(self._policy.attempts, 1), self._problem
        if isinstance(problem, (NotAuthenticated, DiscoveryFailed)):
            return problem
        if len(self._resolver.memory) > 1:
            return ConnectionFailed(self.address, attempts, self._resolver.explain())
        if isinstance(problem, (ConnectionClosed, ConnectionFailed)):
            # Use the reason alone, because it becomes part of a sentence.
            return ConnectionFailed(self.address, attempts, problem.reason)
        return ConnectionFailed(self.address, attempts, "no answer" if problem is None else str(problem))

    # One connection ---------------------------------------------------------------------------------

    async def _connect_and_serve(self, address: A, limit: float) -> RxPumpError:
        """Connect to a node, and wait until the connection is lost. Return the reason."""
        try:
            await self._connect(address, limit)
        except RxPumpError as error:
            return error
        since = now()
        self._resolver.memory.note_success((address.host, address.port))
        self._doubted.clear()
        self._failures.worked(since)
        watching = asyncio.ensure_future(self._watch(address))
        self._on_status(Connected(self.address))
        if not self.first.done():
            self.first.set_result(None)
        try:
            problem = await self._until_lost()
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            if not watching.cancelled():
                watching.result()
        self._policy.lasted(now() - since)
        if self._was_useful:
            self._policy.settled()
        return problem

    @abstractmethod
    async def _connect(self, address: A, limit: float) -> None:
        """Open a connection that can be used now.

        Args:
            address: Address of the node.
            limit: Seconds for each step of the attempt.

        Raises:
            RxPumpError: There is no connection.
        """

    @abstractmethod
    async def _until_lost(self) -> RxPumpError:
        """Wait until the connection is lost, or until `_end_connection` is called. Return the reason."""

    @abstractmethod
    def _end_connection(self, reason: str) -> None:
        """Leave the connected node, because there is a better one."""

    @property
    @abstractmethod
    def _was_useful(self) -> bool:
        """Whether a request was answered on the last connection."""

    @abstractmethod
    def _verdict(self, problem: RxPumpError, address: A) -> RxPumpError | None:
        """Return the error that ends the attempts of a client that was never connected; None to go on.

        Args:
            problem: Reason why there is no connection.
            address: Address of the node.
        """

    @abstractmethod
    def _leader_hint(self, address: A) -> A | None:
        """Return the address of the leader if the node at `address` has named another node that may be followed."""


def now() -> float:
    """Return the time on the clock of the event loop."""
    return asyncio.get_running_loop().time()
