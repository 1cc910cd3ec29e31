"""The connection, the user and the deadline of a mock transport, and the execution of its requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from math import inf
from typing import ClassVar, Final, Self, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ClientClosed, ConnectionClosed
from rxpump.model.credentials import AnyCredentials, login_of, within
from rxpump.model.events import Event
from rxpump.model.limits import Limits
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import START, StreamDirection
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.testing.memory_log import MemoryLog
from rxpump.testing.mock_access import MockAccess
from rxpump.testing.mock_connection import ADDRESS, MockConnection
from rxpump.testing.mock_groups import MockGroups
from rxpump.testing.plain_events import is_of_a_program
from rxpump.transport import Capability, Lack, Transport

_T = TypeVar("_T")

_LIMITS: Final = Limits(
    page_events=4096,
    ack_ids=2000,
    login_bytes=127,
    token_bytes=32_767,
    event_bytes=16 * 1024 * 1024 - 10_000,
    record_bytes=16 * 1024 * 1024,
)

_HAS: Final = (
    Capability.PING,
    Capability.TRANSACTIONS,
    Capability.MULTI_STREAM_APPEND,
    Capability.GROUPS_ON_ALL,
    Capability.GROUP_INFO,
    Capability.REPLAY_PARKED,
    Capability.REPLAY_SOME_PARKED,
    Capability.TRUNCATE_PARKED,
    Capability.RESTART_GROUPS,
)
_NOT_IMPLEMENTED: Final = Lack("the mock has only events and consumer groups", "use rxpump.server.EmbeddedServer")


class MockBase(Transport):
    """Base class of the mock transport, with the connection, the user and the deadline of its requests.

    Args:
        runtime: Background tasks of the client.
        on_status: Function that is called with each change of the connection's status.
        settings: Settings of the client.
        users: Password by login, for `as_user`. None: every login and password is accepted.
    """

    protocol: ClassVar[str] = "Mock"
    limits: ClassVar[Limits] = _LIMITS
    lacks: ClassVar[Mapping[Capability, Lack]] = {each: _NOT_IMPLEMENTED for each in Capability if each not in _HAS}

    def __init__(
        self,
        runtime: BackgroundTasks | None = None,
        on_status: Callable[[Status], None] = lambda status: None,
        *,
        settings: Settings | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(BackgroundTasks("mock") if runtime is None else runtime, on_status)
        self._settings = Settings() if settings is None else settings
        self._log = MemoryLog()
        self._groups = MockGroups(self._log)
        self._access = MockAccess(self._log, users)
        self._transactions: dict[int, tuple[int, list[NewEvent]]] = {}
        self._connection = MockConnection(
            self.telemetry.counting(lambda status: self.on_status(status)), self.telemetry
        )
        self._timeout: float | None = None
        self._user: AnyCredentials | None = None

    # For tests ---------------------------------------------------------------------------

    def lose_connection(self, reason: str = "the test ended it") -> None:
        """Lose the connection. Subscriptions and group sessions end; requests wait for `restore_connection`.

        Args:
            reason: Reason in the errors and in the status.
        """
        self._connection.lose(reason)
        self._groups.end(ConnectionClosed(ADDRESS, reason))

    def restore_connection(self) -> None:
        """Make a new connection after `lose_connection`. Do nothing if there is a connection.

        Raises:
            NotConnected: The transport was not opened, or is closed.
        """
        self._connection.restore()

    def lose_reply(self) -> None:
        """Lose the connection after the next request is executed and before its reply arrives.

        After `restore_connection` the request is executed again, as by the other transports. If it cannot be repeated
        safely, it fails with ConnectionClosed instead.
        """
        self._connection.lose_reply(lambda: self.lose_connection("the reply was lost"))

    def read_events(self) -> Sequence[Event]:
        """Return the events of all streams in the order of their writes, without those of the store itself."""
        events = self._log.all_page(START, len(self._log.events), StreamDirection.FORWARD, resolve_links=False)
        return [event for event in events if is_of_a_program(event)]

    # Connection ----------------------------------------------------------------------------------

    def as_user(self, credentials: AnyCredentials) -> Self:
        """Return a view whose requests have the permissions of another user."""
        view = copy(self)
        view._user = within(credentials, self.limits)
        view.login = login_of(credentials)
        return view

    def with_timeout(self, timeout: float | None) -> Self:
        """Return a view whose requests have a deadline."""
        view = copy(self)
        view._timeout = inf if timeout is None else timeout
        return view

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that accepts requests now."""
        return self._connection.is_connected

    async def open(self) -> None:
        """Connect."""
        self._connection.open()

    async def close(self) -> None:
        """Close the connection, also for the views of this transport."""
        self._connection.close()
        self._groups.end(ClientClosed(ADDRESS, "the client was closed"))

    async def settled(self) -> None:
        """Wait until no request is pending."""
        await self._connection.settled()

    async def ping(self) -> None:
        """Wait for a reply."""
        await self._request("Ping", lambda: None)

    def _check(self, operation: str, stream: str) -> None:
        """Raise an error if the user of this view may not do something with a stream."""
        self._access.authenticate(self._user)
        self._access.check(self._user, operation, stream)

    async def _request(
        self, operation: str, execute: Callable[[], _T], *needs: tuple[str, str], is_repeatable: bool = True
    ) -> _T:
        """Execute a request as the user of this view.

        Args:
            operation: Description of the request, for errors.
            execute: The request.
            needs: Operations that the user must be allowed to do, each with its stream.
            is_repeatable: Whether the request is executed again if its reply is lost.
        """

        def execute_as_user() -> _T:
            self._access.authenticate(self._user)
            for each in needs:
                self._access.check(self._user, *each)
            return execute()

        timeout = None if self._timeout == inf else self._timeout
        return await self._connection.request(operation, timeout, execute_as_user, is_repeatable=is_repeatable)

    async def _write(self, operation: str, execute: Callable[[], _T], *needs: tuple[str, str]) -> _T:
        """Execute a request that writes, and wake the coroutines that wait for events."""
        result = await self._request(operation, execute, *needs)
        self._connection.changes.notify()
        return result
