"""Send each request to the model and to a server, and check that their replies are equal."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rxpump.model.credentials import Credentials
from rxpump.server import EmbeddedServer, SqliteStore, Strictness
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.package import Package
from tests.raw_client import RawClient
from tests.server.model.access import User, user_of
from tests.server.model.all_reads import read_all_backward, read_all_forward
from tests.server.model.append import BadRequest, Unanswered, write_events
from tests.server.model.deletes import delete_stream
from tests.server.model.filters import filtered_read_backward, filtered_read_forward
from tests.server.model.log import Log
from tests.server.model.places import Places
from tests.server.model.stream_reads import read_backward, read_event, read_forward
from tests.server.model.subscriptions import DENIED, Subscription, subscribe, subscription
from tests.server.model.transactions import Transactions

VERSIONS = (0, 1)  # protocol versions of the two clients; the first does not identify itself
PATIENCE = 5.0  # seconds


@dataclass
class Followed:
    """A subscription of a client, and the events that it must still receive."""

    client: int
    id: bytes
    subscription: Subscription


class Pair:
    """A model and a server, as an async context manager."""

    def __init__(self, strictness: Strictness = Strictness.LENIENT) -> None:
        self.log = Log(strictness)
        self.transactions = Transactions(self.log)
        self.places = Places()
        self.followed: list[Followed] = []
        store = SqliteStore.in_memory(clock=lambda: self.log.now)
        self._server = EmbeddedServer(store, heartbeat_interval=3600.0, strictness=strictness)
        self._early: dict[bytes, deque[Package]] = defaultdict(deque)
        self._answers: dict[int, Callable[[Log, User, Any], Any]] = {
            Command.WRITE_EVENTS: write_events,
            Command.DELETE_STREAM: delete_stream,
            Command.READ_EVENT: read_event,
            Command.READ_STREAM_EVENTS_FORWARD: read_forward,
            Command.READ_STREAM_EVENTS_BACKWARD: read_backward,
            Command.READ_ALL_EVENTS_FORWARD: read_all_forward,
            Command.READ_ALL_EVENTS_BACKWARD: read_all_backward,
            Command.FILTERED_READ_ALL_EVENTS_FORWARD: filtered_read_forward,
            Command.FILTERED_READ_ALL_EVENTS_BACKWARD: filtered_read_backward,
            Command.TRANSACTION_START: lambda _, user, request: self.transactions.start(user, request),
            Command.TRANSACTION_WRITE: lambda _, user, request: self.transactions.write(user, request),
            Command.TRANSACTION_COMMIT: lambda _, user, request: self.transactions.commit(user, request),
        }

    async def __aenter__(self) -> Pair:
        await self._server.start()
        self.clients = [RawClient.to(self._server) for _ in VERSIONS]
        for client in self.clients:
            await client.__aenter__()
        hello = schema.IdentifyClient(version=1, connection_name="the newer one")
        for client, version in zip(self.clients, VERSIONS, strict=True):
            if version == 1:
                identified = await client.ask(Command.IDENTIFY_CLIENT, hello)
                assert identified.command == Command.CLIENT_IDENTIFIED
        return self

    async def __aexit__(self, *error: object) -> None:
        for client in self.clients:
            await client.__aexit__(*error)
        await self._server.stop()

    async def ask(self, client: int, command: Command, request: Any, user: Credentials | None) -> Any:
        """Return the model's reply, and fail if the server's reply differs."""
        self.log.news.clear()
        try:
            models = self._answers[command](self.log, user_of(user.login if user else None), request)
        except BadRequest:
            models = None
        except Unanswered:  # A late reply is found by the check for unexpected packages.
            self.clients[client].send(command, self._for_server(request), user=user)
            return None
        self.places.records.update(place for record in self.log.news for place in record.position)
        async with asyncio.timeout(PATIENCE):
            servers = await self._ask_server(client, command, self._for_server(request), user)
            self._compare(client, command, servers, models)
            await self._compare_what_appears()
        return models

    async def subscribe(self, client: int, command: Command, request: Any, user: Credentials | None) -> None:
        self.log.news.clear()
        models = subscribe(self.log, user_of(user.login if user else None), request)
        async with asyncio.timeout(PATIENCE):
            servers = await self._ask_server(client, command, request, user)
        if models is DENIED:
            assert servers.command == Command.SUBSCRIPTION_DROPPED
            assert schema.SubscriptionDropped.FromString(servers.payload) == DENIED
            return
        assert servers.command == Command.SUBSCRIPTION_CONFIRMATION
        self._same(client, models, servers)
        self.followed.append(Followed(client, servers.correlation_id, subscription(request)))

    async def unsubscribe(self, followed: Followed) -> None:
        """End a subscription, and fail if it received events that the model does not contain."""
        self.followed.remove(followed)
        client = self.clients[followed.client]
        client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=followed.id)
        async with asyncio.timeout(PATIENCE):
            dropped = await self._receive(followed.client, followed.id)
        assert (dropped.command, dropped.payload) == (Command.SUBSCRIPTION_DROPPED, b"")

    def _for_server(self, request: Any) -> Any:
        """Return the request with the server's positions and transaction ids."""
        words = type(request)()
        words.CopyFrom(request)
        if isinstance(request, schema.ReadAllEvents | schema.FilteredReadAllEvents):
            words.commit_position = self.places.server_of(request.commit_position)
            words.prepare_position = self.places.server_of(request.prepare_position)
        if isinstance(request, schema.TransactionWrite | schema.TransactionCommit):
            words.transaction_id = self.places.transaction_of(request.transaction_id)
        return words

    async def _ask_server(self, client: int, command: Command, request: Any, user: Credentials | None) -> Package:
        correlation_id = self.clients[client].send(command, request, user=user)
        return await self._receive(client, correlation_id)

    async def _receive(self, client: int, correlation_id: bytes) -> Package:
        """Return the next package with this id, and keep packages with other ids."""
        while not self._early[correlation_id]:
            package = await self.clients[client].receive()
            assert package is not None, "the server closed the connection"
            self._early[package.correlation_id].append(package)
        package = self._early[correlation_id].popleft()
        if not self._early[correlation_id]:
            del self._early[correlation_id]
        return package

    def _compare(self, client: int, command: Command, servers: Package, models: Any) -> None:
        if models is None:
            text = f"Could not unwrap network package for command {command_name(command)}.\n"
            assert (servers.command, servers.text) == (Command.BAD_REQUEST, text.strip())
            return
        assert servers.command == answer_to(command, models), servers.text
        self._same(client, models, servers)

    def _same(self, client: int, models: Any, servers: Package) -> None:
        answer = type(models).FromString(servers.payload)
        expected = self.places.expected(models, answer, client_version=VERSIONS[client])
        assert answer == expected, f"\nthe server: {answer}\nthe model: {expected}"

    async def _compare_what_appears(self) -> None:
        for followed in self.followed:
            for command, models in followed.subscription.events_of_command(self.log):
                servers = await self._receive(followed.client, followed.id)
                assert servers.command == command
                self._same(followed.client, models, servers)
        assert not self._early, "a package arrived that no request asked for"


def answer_to(command: Command, models: Any) -> int:
    """Return the command of the model's reply."""
    is_denied = isinstance(models, schema.ReadAllEventsCompleted)
    if command == Command.FILTERED_READ_ALL_EVENTS_FORWARD and is_denied:
        return Command.READ_ALL_EVENTS_FORWARD_COMPLETED
    if command == Command.FILTERED_READ_ALL_EVENTS_BACKWARD:
        return Command.READ_ALL_EVENTS_BACKWARD_COMPLETED if is_denied else command + 2
    return command + 1
