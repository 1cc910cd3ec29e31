"""Consumer groups of a mock transport."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rxpump.errors import RxPumpError, SubscriberLimitReached
from rxpump.model.events import Event
from rxpump.model.group_details import ConsumerDetails, GroupDetails
from rxpump.model.group_settings import NackAction, PersistentSubscriptionSettings
from rxpump.model.positions import START, Edge, Position
from rxpump.model.system_names import ALL_STREAM
from rxpump.testing.memory_log import MemoryLog
from rxpump.testing.memory_stream import StoredEvent
from rxpump.testing.mock_connection import ADDRESS, MockConnection
from rxpump.transport import GroupSession


@dataclass(slots=True)
class Message:
    """An event that a group delivers.

    Attributes:
        stored: The event.
        retry_count: Number of earlier deliveries.
    """

    stored: StoredEvent
    retry_count: int = 0


class MockGroup:
    """A consumer group: its place in the stream, the events to deliver again, and the parked events.

    Args:
        log: Log of the mock transport.
        stream: Name of the stream; None is `$all`.
        name: Name of the group.
        settings: Settings of the group.
    """

    def __init__(
        self, log: MemoryLog, stream: str | None, name: str, settings: PersistentSubscriptionSettings
    ) -> None:
        self.stream: str = ALL_STREAM if stream is None else stream
        self.name = name
        self.settings = settings
        self.sessions: list[MockGroupSession] = []
        self.parked: list[tuple[Message, str]] = []
        self._is_of_all = stream is None
        self._log = log
        self._where = settings.where  # An update of the settings does not change the filter.
        self._retries: deque[Message] = deque()
        self._next = _first_index(settings.start, len(self._source))

    @property
    def _source(self) -> Sequence[StoredEvent]:
        return self._log.events if self._is_of_all else self._log.stream(self.stream).events

    def connect(self, connection: MockConnection, buffer_size: int) -> MockGroupSession:
        """Connect a consumer.

        Raises:
            SubscriberLimitReached: The group has all the consumers that its settings allow.
        """
        if 0 < self.settings.subscriber_max_count <= len(self.sessions):
            raise SubscriberLimitReached(self.stream, self.name)
        session = MockGroupSession(self, connection, buffer_size)
        self.sessions.append(session)
        return session

    def take(self, count: int) -> list[Message]:
        """Remove and return at most `count` messages, those to be retried first."""
        messages = [self._retries.popleft() for _ in range(min(count, len(self._retries)))]
        source = self._source
        index = self._next if self._is_of_all else max(self._next, self._log.stream(self.stream).first)
        while index < len(source) and len(messages) < count:
            message = Message(source[index])
            if self._where is None or self._where.matches(self.event(message)):
                messages.append(message)
            index += 1
        self._next = index
        return messages

    def event(self, message: Message) -> Event:
        """Return the event of a message as an `Event`, with a position if the group is on `$all`."""
        links = self.settings.resolve_links
        return self._log.resolved(message.stored, resolve_links=links, is_placed=self._is_of_all)

    def details(self) -> GroupDetails:
        """Return the state of the group."""
        return GroupDetails(
            self.stream,
            self.name,
            "Live",
            self.settings,
            consumers=tuple(session.details() for session in self.sessions),
            last_known=str(len(self._source) - 1),
            parked=len(self.parked),
            in_flight=sum(session.in_flight for session in self.sessions),
            retry_buffer=len(self._retries),
        )

    def return_all(self, messages: Iterable[Message]) -> None:
        """Deliver messages again, because their consumer has left. The retry count of each grows by one."""
        self._retries += (Message(each.stored, 1) for each in messages)

    def retry(self, message: Message) -> None:
        """Deliver a message again, or park it if it was retried as often as the settings allow."""
        most = self.settings.max_retry_count
        if message.retry_count >= most:
            self.parked.append((message, f"Reached retry count of {most}"))
        else:
            self._retries.append(Message(message.stored, message.retry_count + 1))

    def replay_parked(self, limit: int | None) -> None:
        """Deliver the parked events again, at most the `limit` oldest."""
        self._retries += (Message(message.stored) for message, _ in self.parked[:limit])
        self.truncate_parked(limit)

    def truncate_parked(self, limit: int | None) -> None:
        """Remove the parked events, at most the `limit` oldest."""
        self.parked = [] if limit is None else self.parked[limit:]

    def expire_deliveries(self) -> None:
        """Retry all events that are delivered and not acknowledged, as after `message_timeout_seconds`."""
        for session in self.sessions:
            for message in session.take_in_flight():
                self.retry(message)

    def end(self, ending: RxPumpError) -> None:
        """End all sessions."""
        for session in tuple(self.sessions):
            session.end(ending)

    def __repr__(self) -> str:
        return f"<MockGroup {self.name!r} of {self.stream!r}, {len(self.sessions)} consumers, at {self._next}>"


class MockGroupSession(GroupSession):
    """One connection to a group."""

    def __init__(self, group: MockGroup, connection: MockConnection, buffer_size: int) -> None:
        self._group = group
        self._connection = connection
        self._buffer_size = buffer_size
        self._in_flight: dict[bytes, Message] = {}
        self._delivered = 0
        self._ending: RxPumpError | None = None
        self._is_closed = False
        self._act: Callable[[], None] | None = None

    @property
    def in_flight(self) -> int:
        """Number of events that were delivered and are not acknowledged."""
        return len(self._in_flight)

    def details(self) -> ConsumerDetails:
        """Return the state of the consumer."""
        free = self._buffer_size - self.in_flight
        return ConsumerDetails(ADDRESS, "", "mock", free, self.in_flight, self._delivered, 0)

    @property
    def ending(self) -> RxPumpError | None:
        """The error that ended the session; None while it is open."""
        return self._ending

    def before_end(self, act: Callable[[], None]) -> None:
        """Register a function to call just before the client closes."""
        self._act = act
        self._connection.before_end.add(act)

    async def next(self) -> Sequence[tuple[Event, int]]:
        """Wait for deliveries."""
        while True:
            if self._ending is not None:
                raise self._ending
            room = self._buffer_size - len(self._in_flight)
            if messages := self._group.take(room) if room > 0 and not self._is_closed else []:
                self._in_flight.update((each.stored.event_id, each) for each in messages)
                self._delivered += len(messages)
                return [(self._group.event(each), each.retry_count) for each in messages]
            await self._connection.changes.wait()

    def ack(self, events: Sequence[Event]) -> None:
        """Acknowledge events."""
        self._settle(events)

    def nack(self, events: Sequence[Event], action: NackAction, reason: str) -> None:
        """Refuse events."""
        for message in self._settle(events):
            if action is NackAction.PARK:
                self._group.parked.append((message, f"Client explicitly NAK'ed message.\n{reason}"))
            elif action is NackAction.RETRY:
                self._group.retry(message)

    def close(self) -> None:
        """Leave the group."""
        self._is_closed = True
        self._leave()

    def end(self, ending: RxPumpError) -> None:
        """End the session with an error; a later error is ignored."""
        if self._ending is None:
            self._ending = ending
            self._leave()

    def take_in_flight(self) -> list[Message]:
        """Remove and return the events that are delivered and not acknowledged."""
        messages = list(self._in_flight.values())
        self._in_flight.clear()
        return messages

    def _settle(self, events: Sequence[Event]) -> list[Message]:
        if self._ending is not None or self._is_closed:
            return []
        ids = [event.received_id_bytes for event in events]
        messages = [self._in_flight.pop(each) for each in ids if each in self._in_flight]
        self._connection.changes.notify()
        return messages

    def _leave(self) -> None:
        if self in self._group.sessions:
            self._group.sessions.remove(self)
        if self._act is not None:
            self._connection.before_end.discard(self._act)
        self._group.return_all(self.take_in_flight())
        self._connection.changes.notify()

    def __repr__(self) -> str:
        return f"<MockGroupSession of {self._group!r}, {len(self._in_flight)} of {self._buffer_size} in flight>"


def _first_index(start: int | Position | Edge, end: int) -> int:
    """Return the index of the first event of a group among the events of its stream, or of `$all`.

    Args:
        start: Start of the group.
        end: Index that the next event gets.
    """
    if isinstance(start, Position):
        return max(0, start.commit - 1)
    if isinstance(start, Edge):
        return 0 if start is START else end
    return start
