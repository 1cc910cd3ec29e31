"""Our client, played to by a recorded server.

A conversation is cut into turns: what the client asked, then what the server said, until nothing is open.
In each turn our client makes the recorded requests, the peer holds them against the recorded ones, message by
message, and answers with the recorded frames under our correlation ids. What our client gives is told in words.

All connections of a conversation are played on one, and credentials are left out: the recorded answers say
what they were worth. The heartbeats that the server asks for are the client's own business, and checked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from rxpump import Client
from rxpump.direction import StreamDirection
from rxpump.errors import InvalidArgument, RxPumpError
from rxpump.events import Event
from rxpump.new_event import NewEvent
from rxpump.pages import AllPage, StreamPage
from rxpump.position import Position
from rxpump.streams.transaction import Transaction
from rxpump.transport.base import Subscription
from rxpump.transport.tcp.transport import TcpTransport
from rxpump.wire import schema
from rxpump.wire.commands import Command
from rxpump.wire.package import Package
from tests.recordings import Line
from tests.transport.scripted_server import Peer
from tests.transport.tcp.telling import request, shown

MESSAGES: dict[int, Any] = {
    Command.WRITE_EVENTS: schema.WriteEvents,
    Command.READ_EVENT: schema.ReadEvent,
    Command.READ_STREAM_EVENTS_FORWARD: schema.ReadStreamEvents,
    Command.READ_STREAM_EVENTS_BACKWARD: schema.ReadStreamEvents,
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEvents,
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEvents,
    Command.SUBSCRIBE_TO_STREAM: schema.SubscribeToStream,
    Command.DELETE_STREAM: schema.DeleteStream,
    Command.TRANSACTION_START: schema.TransactionStart,
    Command.TRANSACTION_WRITE: schema.TransactionWrite,
    Command.TRANSACTION_COMMIT: schema.TransactionCommit,
    Command.SCAVENGE_DATABASE: schema.ScavengeDatabase,
}
UNKNOWN = "somewhere"
"""The stream of a transaction that was begun elsewhere."""

BACKWARD = {Command.READ_STREAM_EVENTS_BACKWARD, Command.READ_ALL_EVENTS_BACKWARD}


@dataclass
class Turn:
    """Requests and, in the order in which they were said, the answers to them and to earlier ones."""

    requests: list[Package] = field(default_factory=list)
    answers: list[Package] = field(default_factory=list)
    is_closed_by_server: bool = False


def turns(lines: list[Line], left_out: set[bytes]) -> Iterator[Turn]:
    """Cut a conversation; `left_out` are correlation ids."""
    to_come = Counter(each.package.correlation_id for each in lines if each.package and not each.from_client)
    turn, open_requests, farewells = Turn(), set(), set()
    for line in lines:
        package = line.package
        if package is None:
            turn.is_closed_by_server |= line.event == "closed_by_server"
            continue
        id = package.correlation_id
        if id in left_out or (id in farewells and line.from_client):  # some clients say a farewell twice
            continue
        if line.from_client:
            if turn.answers and not open_requests:
                yield turn
                turn = Turn()
            turn.requests.append(package)
            if to_come[id]:
                open_requests.add(id)
            if package.command == Command.UNSUBSCRIBE_FROM_STREAM:
                farewells.add(id)
        else:
            turn.answers.append(package)
            to_come[id] -= 1
            open_requests.discard(id)
    yield turn


def meaning(package: Package) -> tuple[int, Any]:
    """What a request says. Two that say the same may differ in what a server does not look at."""
    if package.command not in MESSAGES:
        return package.command, None  # a Ping may carry any bytes, and ours carries none
    message = MESSAGES[package.command].FromString(package.payload)
    for event in getattr(message, "events", ()):
        event.metadata_content_type = 0  # not looked at (protocol section 3.2)
        event.data_content_type = int(event.data_content_type == 1)  # 1 is JSON, anything else binary
        event.metadata = event.metadata  # absent is empty
    if package.command == Command.DELETE_STREAM:
        message.hard_delete = message.hard_delete  # absent is false
    return package.command, message


class Replay:
    """One conversation on its way.

    `told` has a line for each request and what our client gave for it, `leaders` where the server sent us.
    """

    def __init__(self, conversation: list[Turn]) -> None:
        self.told: list[str] = []
        self.leaders: set[tuple[str, int]] = set()
        self._turns = conversation
        self._played = 0
        self._ids: dict[bytes, bytes] = {}
        self._client: Any = None
        self._transport: Any = None
        self._subscriptions: dict[bytes, Subscription] = {}
        self._appeared: Counter[bytes] = Counter()
        self._dropped = {
            each.correlation_id
            for turn in conversation
            for each in turn.answers
            if each.command == Command.SUBSCRIPTION_DROPPED
        }
        self._written: dict[UUID, NewEvent] = {}
        self._transactions: dict[int, Transaction] = {}

    @property
    def is_ended_by_server(self) -> bool:
        return any(turn.is_closed_by_server for turn in self._turns)

    # The server's side --------------------------------------------------------------------------------

    async def script(self, peer: Peer) -> None:
        """Play the server; a client that comes back is played on to from where it left."""
        await peer.introduce()
        while self._played < len(self._turns):
            turn = self._turns[self._played]
            for recorded in turn.requests:
                await self._hear(peer, recorded)
            self._played += 1
            for answer in turn.answers:
                self._answer(peer, answer)
            if turn.is_closed_by_server:
                return
        await peer.until_gone_silently()

    async def _hear(self, peer: Peer, recorded: Package) -> None:
        if recorded.command == Command.HEARTBEAT_RESPONSE:
            heard = await peer.receive()
            while heard.command == Command.HEARTBEAT_REQUEST:
                heard = await peer.receive()
            assert (heard.command, heard.correlation_id) == (recorded.command, recorded.correlation_id)
            return
        ours = await peer.request()
        assert meaning(ours) == meaning(recorded), (ours.payload, recorded.payload)
        if ours.command == Command.UNSUBSCRIBE_FROM_STREAM:
            assert ours.correlation_id == self._ids[recorded.correlation_id], "it says which"
        self._ids[recorded.correlation_id] = ours.correlation_id

    def _answer(self, peer: Peer, recorded: Package) -> None:
        """Say what the server said; a leader that it names is looked for here."""
        payload = recorded.payload
        if recorded.command == Command.NOT_HANDLED:
            refusal = schema.NotHandled.FromString(payload)
            if refusal.additional_info:
                leader = schema.LeaderInfo.FromString(refusal.additional_info)
                self.leaders.add((leader.external_tcp_address, leader.external_tcp_port))
                leader.external_tcp_port = peer.writer.get_extra_info("sockname")[1]
                refusal.additional_info = leader.SerializeToString()
                payload = refusal.SerializeToString()
        id = self._ids.get(recorded.correlation_id, recorded.correlation_id)
        peer.send(Package(recorded.command, id, payload).encode())

    # The client's side --------------------------------------------------------------------------------

    async def run(self, client: Client, transport: TcpTransport) -> None:
        """Make the recorded requests, a turn at a time; each turn's at once, as they were made."""
        self._client, self._transport = client, transport
        for turn in self._turns:
            asked = [each for each in turn.requests if each.command != Command.HEARTBEAT_RESPONSE]
            self.told += await asyncio.gather(*map(self._ask, asked))
            self._appeared.update(
                each.correlation_id for each in turn.answers if each.command == Command.STREAM_EVENT_APPEARED
            )
        for id in self._subscriptions:
            self.told.append(f"appeared: {await self._take(id)}{await self._ending(id)}")

    async def _ask(self, recorded: Package) -> str:
        command, message = meaning(recorded)
        if command == Command.UNSUBSCRIBE_FROM_STREAM:
            appeared = await self._take(recorded.correlation_id)
            self._subscriptions.pop(recorded.correlation_id).close()
            return f"unsubscribe after: {appeared}"
        prefix = f"{request(command, message)} → "
        try:
            try:
                result = await self._publicly(command, message)
            except InvalidArgument as error:
                prefix += f"refused here ({error.argument}), there: "
                result = await self._directly(command, message)
        except RxPumpError as error:
            return prefix + shown(error)
        if isinstance(result, Subscription):
            self._subscriptions[recorded.correlation_id] = result
        if isinstance(result, Transaction):
            self._transactions[result.id] = result
        if isinstance(result, (Event, StreamPage, AllPage)):
            self._check(*([result] if isinstance(result, Event) else result))
        return prefix + shown(result)

    def _publicly(self, command: int, message: Any) -> Any:
        """Ask as a user would."""
        client, direction = self._client, direction_of(command)
        match command:
            case Command.PING:
                return client.ping()
            case Command.WRITE_EVENTS:
                events = self._new_events(message)
                return client.publish(message.event_stream_id, events, expected_version=message.expected_version)
            case Command.DELETE_STREAM:
                return client.delete_stream(
                    message.event_stream_id, expected_version=message.expected_version, hard=message.hard_delete
                )
            case Command.TRANSACTION_START:
                return client.transaction(message.event_stream_id, message.expected_version).start()
            case Command.TRANSACTION_WRITE:
                return self._transaction(message.transaction_id).write(self._new_events(message))
            case Command.TRANSACTION_COMMIT:
                return self._transaction(message.transaction_id).commit()
            case Command.SCAVENGE_DATABASE:
                return client.scavenge()
            case Command.READ_EVENT:
                return client.get_event(
                    message.event_stream_id, message.event_number, resolve_links=message.resolve_link_tos
                )
            case Command.READ_STREAM_EVENTS_FORWARD | Command.READ_STREAM_EVENTS_BACKWARD:
                return client.get(
                    message.event_stream_id,
                    direction=direction,
                    from_event=message.from_event_number,
                    max_count=message.max_count,
                    resolve_links=message.resolve_link_tos,
                )
            case Command.READ_ALL_EVENTS_FORWARD | Command.READ_ALL_EVENTS_BACKWARD:
                return client.get_all(
                    direction=direction,
                    from_position=Position(message.commit_position, message.prepare_position),
                    max_count=message.max_count,
                    resolve_links=message.resolve_link_tos,
                )
        return self._directly(command, message)

    def _directly(self, command: int, message: Any) -> Any:
        """Ask where nobody checks the arguments."""
        transport, direction = self._transport, direction_of(command)
        match command:
            case Command.DELETE_STREAM:
                stream, version = message.event_stream_id, message.expected_version
                return transport.delete_stream(stream, version, hard=message.hard_delete)
            case Command.TRANSACTION_START:
                return transport.start_transaction(message.event_stream_id, message.expected_version)
            case Command.TRANSACTION_WRITE:
                return transport.write_transaction(UNKNOWN, message.transaction_id, self._new_events(message))
            case Command.TRANSACTION_COMMIT:
                return transport.commit_transaction(UNKNOWN, message.transaction_id, None)
            case Command.READ_STREAM_EVENTS_FORWARD | Command.READ_STREAM_EVENTS_BACKWARD:
                stream, start, links = message.event_stream_id, message.from_event_number, message.resolve_link_tos
                return transport.read_stream(stream, start, message.max_count, direction, resolve_links=links)
            case Command.READ_ALL_EVENTS_FORWARD | Command.READ_ALL_EVENTS_BACKWARD:
                start = Position(message.commit_position, message.prepare_position)
                links = message.resolve_link_tos
                return transport.read_all(start, message.max_count, direction, resolve_links=links)
            case Command.SUBSCRIBE_TO_STREAM:
                return transport.subscribe(message.event_stream_id or None, resolve_links=message.resolve_link_tos)
        raise AssertionError(f"no verb of ours: {command}")

    def _transaction(self, id: int) -> Transaction:
        """The one that was begun here, or one that must have been elsewhere."""
        return self._transactions.get(id) or self._client.continue_transaction(UNKNOWN, id)

    def _new_events(self, message: Any) -> list[NewEvent]:
        events = [new_event(event) for event in message.events]
        self._written.update((event.id, event) for event in events)
        return events

    async def _take(self, id: bytes) -> str:
        events: list[Any] = []
        while len(events) < self._appeared[id]:
            events += await self._subscriptions[id].next()
        self._check(*events)
        return ", ".join(map(shown, events)) or "nothing"

    async def _ending(self, id: bytes) -> str:
        """How a subscription ended, if the server ended it."""
        if id not in self._dropped:
            return ""
        try:
            await self._subscriptions[id].next()
        except RxPumpError as error:
            return f", then {shown(error)}"
        raise AssertionError("more than was recorded")

    def _check(self, *events: Event) -> None:
        """What was written in this conversation is read as it was written."""
        for event in events:
            written = self._written.get(event.id)
            if written is not None and not event.is_broken_link:
                assert (event.type, event.data, event.metadata, event.is_json) == (
                    written.type, written.data, written.metadata, written.is_json,
                )  # fmt: skip


def direction_of(command: int) -> StreamDirection:
    return StreamDirection.BACKWARD if command in BACKWARD else StreamDirection.FORWARD


def new_event(recorded: Any) -> NewEvent:
    is_json = recorded.data_content_type == 1
    id = UUID(bytes_le=recorded.event_id)
    return NewEvent(recorded.event_type, recorded.data, metadata=recorded.metadata or None, id=id, is_json=is_json)
