"""Replay recorded conversations of a server to our client.

A conversation is divided into turns: requests of the client, then replies of the server until no request is pending.
In each turn our client makes the recorded requests. The scripted server compares each message with the recorded one,
and sends the recorded replies with the correlation ids of our client. The results of the client are recorded as text.

All connections of a conversation are played on one connection, without credentials, because the recorded replies
already depend on them. Our client answers heartbeats automatically, which is checked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

from rxpump import Client
from rxpump.errors import InvalidArgument, NotSupported, RxPumpError
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import Position
from rxpump.streams.transaction import Transaction
from rxpump.tcp.live_subscription import LiveSubscription
from rxpump.tcp.transport import TcpTransport
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from rxpump.transport import GroupSession
from tests.tcp.asked import direction_of, group, meaning, new_event, settings
from tests.tcp.followed import SETTLING, Followed
from tests.tcp.scripted_server import Gone, Peer
from tests.tcp.transcripts import appearance, request, shown
from tests.tcp.turns import Turn

APPEARANCES = {Command.STREAM_EVENT_APPEARED, Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED}
UNDER_THE_SAME_ID = {Command.UNSUBSCRIBE_FROM_STREAM, *SETTLING}
UNKNOWN = "somewhere"
"""Name used for the stream of a transaction that another program has begun."""


class Replay:
    """One conversation that is being replayed.

    Attributes:
        results: A text for each request and its result.
        leaders: Addresses of leaders that the server has named.
    """

    def __init__(self, conversation: list[Turn]) -> None:
        self.results: list[str] = []
        self.leaders: set[tuple[str, int]] = set()
        self._turns = conversation
        self._played = 0
        self._ids: dict[bytes, bytes] = {}
        self._client: Any = None
        self._transport: Any = None
        self._followed: dict[bytes, Followed] = {}
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
        """Act as the server. If the client reconnects, continue after the last turn."""
        await peer.handshake()
        while self._played < len(self._turns):
            turn = self._turns[self._played]
            for recorded in turn.sent:
                await self._receive(peer, recorded)
            self._played += 1
            for answer in turn.answers:
                self._answer(peer, answer)
            if turn.is_closed_by_server:
                return
        await peer.until_left()

    async def _receive(self, peer: Peer, recorded: Package) -> None:
        if recorded.command == Command.HEARTBEAT_RESPONSE:
            received = await peer.receive()
            while received.command == Command.HEARTBEAT_REQUEST:
                received = await peer.receive()
            # Our client disconnects here. The recorded one stayed connected.
            if received.command == Command.UNSUBSCRIBE_FROM_STREAM:
                peer.reply(received, Command.SUBSCRIPTION_DROPPED)
                await peer.until_left()
                raise Gone
            assert (received.command, received.correlation_id) == (recorded.command, recorded.correlation_id)
            return
        ours = await peer.request()
        assert meaning(ours) == meaning(recorded), (ours.payload, recorded.payload)
        if ours.command in UNDER_THE_SAME_ID:
            assert ours.correlation_id == self._ids[recorded.correlation_id], "it says which"
        self._ids[recorded.correlation_id] = ours.correlation_id

    def _answer(self, peer: Peer, recorded: Package) -> None:
        """Send a recorded reply. The address of a leader is replaced by that of the scripted server."""
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
        """Make the recorded requests, all requests of a turn at once."""
        self._client, self._transport = client, transport
        for turn in self._turns:
            asked = [each for each in turn.asked if each.command != Command.HEARTBEAT_RESPONSE]
            self.results += await asyncio.gather(*map(self._ask, asked))
            self._appeared.update(each.correlation_id for each in turn.answers if each.command in APPEARANCES)
            for id, followed in self._followed.items():
                await followed.until(self._appeared[id])
        for id in self._followed:
            self.results.append(f"appeared: {await self._take(id)}{await self._ending(id)}")

    async def _ask(self, recorded: Package) -> str:
        command, message = meaning(recorded)
        if command in SETTLING:
            return self._followed[recorded.correlation_id].settle(command, message)
        if command == Command.UNSUBSCRIBE_FROM_STREAM:
            appeared = await self._take(recorded.correlation_id)
            self._followed.pop(recorded.correlation_id).subscription.close()
            return f"unsubscribe after: {appeared}"
        prefix = f"{request(command, message)} → "
        try:
            try:
                result = await self._publicly(command, message)
            except NotSupported:  # Our API refuses groups on $all, which the recorded client requested.
                result = await self._directly(command, message)
            except InvalidArgument as error:
                prefix += f"refused here ({error.argument}), there: "
                result = await self._directly(command, message)
        except RxPumpError as error:
            return prefix + shown(error)
        if isinstance(result, (LiveSubscription, GroupSession)):
            self._followed[recorded.correlation_id] = Followed(result)
        if isinstance(result, Transaction) and result.id is not None:
            self._transactions[result.id] = result
        if isinstance(result, (Event, StreamPage, AllPage)):
            self._check(*([result] if isinstance(result, Event) else result))
        return prefix + shown(result)

    def _publicly(self, command: int, message: Any) -> Any:
        """Make a request by the public API."""
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
            case Command.CREATE_PERSISTENT_SUBSCRIPTION:
                return client.create_subscription(*group(message), settings(message))
            case Command.UPDATE_PERSISTENT_SUBSCRIPTION:
                return client.update_subscription(*group(message), settings(message))
            case Command.DELETE_PERSISTENT_SUBSCRIPTION:
                return client.delete_subscription(*group(message))
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
        """Make a request by the transport, which does not check arguments."""
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
                return transport.read_stream_page(stream, start, message.max_count, direction, resolve_links=links)
            case Command.READ_ALL_EVENTS_FORWARD | Command.READ_ALL_EVENTS_BACKWARD:
                start = Position(message.commit_position, message.prepare_position)
                links = message.resolve_link_tos
                return transport.read_all_page(start, message.max_count, direction, resolve_links=links)
            case Command.SUBSCRIBE_TO_STREAM:
                return transport.subscribe(message.event_stream_id or None, resolve_links=message.resolve_link_tos)
            case Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION:
                stream, most = message.event_stream_id, message.allowed_in_flight_messages
                return transport.connect_group(stream, message.subscription_id, most)
            case Command.CREATE_PERSISTENT_SUBSCRIPTION:
                name, stream = group(message)
                return transport.create_group(stream, name, settings(message))
            case Command.UPDATE_PERSISTENT_SUBSCRIPTION:
                name, stream = group(message)
                return transport.update_group(stream, name, settings(message))
            case Command.DELETE_PERSISTENT_SUBSCRIPTION:
                name, stream = group(message)
                return transport.delete_group(stream, name)
        raise AssertionError(f"no verb of ours: {command}")

    def _transaction(self, id: int) -> Transaction:
        """Return the transaction that was started here, or continue one that another program started."""
        return self._transactions.get(id) or self._client.continue_transaction(UNKNOWN, id)

    def _new_events(self, message: Any) -> list[NewEvent]:
        events = [new_event(event) for event in message.events]
        self._written.update((event.id, event) for event in events)
        return events

    async def _take(self, id: bytes) -> str:
        given = await self._followed[id].until(self._appeared[id])
        self._check(*(event for event, _ in given))
        return ", ".join(appearance(event, retries) for event, retries in given) or "nothing"

    async def _ending(self, id: bytes) -> str:
        """Return a text for the end of a subscription; empty if the server did not end it."""
        if id not in self._dropped:
            return ""
        try:
            await self._followed[id].subscription.next()
        except RxPumpError as error:
            return f", then {shown(error)}"
        raise AssertionError("more than was recorded")

    def _check(self, *events: Event) -> None:
        """Check that events are read as they were written in this conversation."""
        for event in events:
            written = self._written.get(event.id)
            if written is not None and not event.is_broken_link:
                assert (event.type, event.data, event.metadata, event.is_json) == (
                    written.type, written.data, written.metadata, written.is_json,
                )  # fmt: skip
