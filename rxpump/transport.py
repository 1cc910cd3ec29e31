"""The seam: what a protocol must give so that everything above it can be built.

Pull below, push above. A transport is asked, and answers: a value, a page, the next page. Nothing arrives
that was not asked for, so what it holds is bounded by construction, and it is tested without Rx. It speaks
of requests ("append these", "the next page"), never of packages: the protocols it stands for share no bytes.

Every method raises the errors of `rxpump.errors`; arguments come checked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import RxPumpError
from rxpump.model.credentials import AnyCredentials
from rxpump.model.delete_result import DeleteResult
from rxpump.model.direction import StreamDirection
from rxpump.model.events import Event, ResolvedRecord
from rxpump.model.filters import EventFilter
from rxpump.model.group_settings import NackAction, PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Position
from rxpump.model.scavenge_result import ScavengeResult
from rxpump.model.status import Status
from rxpump.model.write_result import WriteResult


class Subscription(ABC):
    """Live events, pulled in batches. What it keeps between two pulls is bounded; beyond that it ends.

    `last_event_number` is the stream's last event when it began (-1: none; None: for the whole database),
    `last_commit_position` the database's. `examined` is how far was looked, where events are filtered: whatever
    matches, up to there, was given.
    """

    last_event_number: int | None
    last_commit_position: int
    examined: Position | None = None

    @abstractmethod
    async def next(self) -> Sequence[Event]:
        """Wait for events and give all that have come; none, where only `examined` has moved.

        Raises why it ended, once everything was given.
        """

    @abstractmethod
    def close(self) -> None:
        """Unsubscribe; nothing comes after."""


class PersistentSubscription(ABC):
    """One connection to a consumer group: events pulled in batches, each to be acknowledged, by these methods only.

    `ending` says why it is over, from the moment on when it is: then nothing can be acknowledged any more.
    Events are named by themselves, as they were given; what was told before goes first.
    """

    @property
    @abstractmethod
    def ending(self) -> RxPumpError | None:
        """Why it is over; None: it is not."""

    @abstractmethod
    def before_end(self, act: Callable[[], None]) -> None:
        """Have `act` called when the client is about to close: then is the last time to acknowledge."""

    @abstractmethod
    async def next(self) -> Sequence[tuple[ResolvedRecord, int]]:
        """Wait for events; give all that have come, each with how often it was delivered before.

        Raises why it ended, at once: what had come by then is delivered again, to whoever is there.
        """

    @abstractmethod
    def ack(self, events: Sequence[Event]) -> None:
        """Say that these are done."""

    @abstractmethod
    def nack(self, events: Sequence[Event], action: NackAction, reason: str) -> None:
        """Say that these could not be handled."""

    @abstractmethod
    def close(self) -> None:
        """Leave, after what was told; what is not acknowledged is delivered again."""


class Transport(ABC):
    """One shared way to one event store. `on_status` hears what becomes of the connection."""

    def __init__(self, runtime: BackgroundTasks, on_status: Callable[[Status], None]) -> None:
        self.runtime = runtime
        self.on_status = on_status

    @abstractmethod
    def as_user(self, credentials: AnyCredentials) -> Transport:
        """Give the same way, to be gone in somebody else's name: its requests carry these credentials."""

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """Whether there is a connection that takes requests now."""

    @abstractmethod
    def with_timeout(self, timeout: float | None) -> Transport:
        """Return the same transport, for calls: each of its requests has a deadline.

        Without this, a request waits for a connection as long as the reconnect policy allows, and then for an answer
        as long as the `timeout` of the settings allows on any one connection. That is right for what goes on for ever
        (subscriptions, publishers, relays).

        Args:
            timeout: Seconds from the call to its deadline, which holds with or without a connection; None: for ever.
        """

    @abstractmethod
    async def open(self) -> None:
        """Connect; return when requests are taken. Raises ConnectionFailed, NotAuthenticated."""

    @abstractmethod
    async def close(self) -> None:
        """End it; what is unanswered ends with ConnectionClosed."""

    @abstractmethod
    async def settled(self) -> None:
        """Return when no request is under way."""

    @abstractmethod
    async def ping(self) -> None:
        """Return when the server has answered."""

    @abstractmethod
    async def append(self, stream: str, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Write the events, all or none; return when they are durable."""

    @abstractmethod
    async def delete_stream(self, stream: str, expected_version: int, *, hard: bool) -> DeleteResult:
        """Delete a stream; not `hard`: so that it can be written again."""

    @abstractmethod
    async def start_transaction(self, stream: str, expected_version: int) -> int:
        """Begin a transaction; give its id."""

    @abstractmethod
    async def write_transaction(self, stream: str, transaction_id: int, events: Sequence[NewEvent]) -> None:
        """Put events into a transaction. After a failure it is not known whether they are in it."""

    @abstractmethod
    async def commit_transaction(self, stream: str, transaction_id: int, expected_version: int | None) -> WriteResult:
        """Write what is in a transaction, all or none; `stream` and `expected_version` are those of its start."""

    @abstractmethod
    async def scavenge(self) -> ScavengeResult:
        """Have the node rid its files of what can no longer be read."""

    @abstractmethod
    async def read_event(self, stream: str, number: int, *, resolve_links: bool) -> Event:
        """Read one event; number -1 is the last."""

    @abstractmethod
    async def read_stream(
        self, stream: str, from_event: int, max_count: int, direction: StreamDirection, *, resolve_links: bool
    ) -> StreamPage:
        """Read one page of a stream; from -1 backward is the end."""

    @abstractmethod
    async def read_all(
        self,
        from_position: Position,
        max_count: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
    ) -> AllPage:
        """Read one page of the whole database; with `where`, what of it matches, wherever it is filtered."""

    @abstractmethod
    async def subscribe(
        self, stream: str | None, *, resolve_links: bool, where: EventFilter | None = None
    ) -> Subscription:
        """Subscribe to what is written to `stream` from now on; None is the whole database.

        With `where`, which goes with the whole database only, what of it matches.
        """

    @abstractmethod
    async def create_persistent(self, stream: str, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Make a consumer group."""

    @abstractmethod
    async def update_persistent(self, stream: str, group: str, settings: PersistentSubscriptionSettings) -> None:
        """Change a consumer group; who is connected is dropped, and may come back."""

    @abstractmethod
    async def delete_persistent(self, stream: str, group: str) -> None:
        """Delete a consumer group."""

    @abstractmethod
    async def replay_parked(self, stream: str, group: str) -> None:
        """Have the parked events of a consumer group delivered again; return when the server has begun."""

    @abstractmethod
    async def connect_persistent(self, stream: str, group: str, buffer_size: int) -> PersistentSubscription:
        """Connect to a consumer group; at most `buffer_size` events are unacknowledged at a time."""
