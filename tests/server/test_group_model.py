"""Compare the consumer groups of a server with a model: consumer, event and retry count of each delivery."""

from __future__ import annotations

import asyncio
import os
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from rxpump import Credentials
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN, OPS, RawClient
from tests.server.model.groups import Consumer, Group
from tests.server.model.log import Log
from tests.server.model.places import Places

CLIENTS = 3
TIMEOUT = 5.0  # seconds
FRESH = count(1)
CREATED, CHANGED = schema.CreatePersistentSubscriptionCompleted, schema.UpdatePersistentSubscriptionCompleted
APPEARED = schema.PersistentSubscriptionStreamEventAppeared

EVENTS = st.lists(st.sampled_from(["plain", "plain", "0@t", "9@t", "nowhere"]), min_size=1, max_size=4)
STREAMS = st.sampled_from(["s", "s", "s", "other", ""])
NAMES = st.sampled_from(["g", "g", "h"])
SETTINGS = st.fixed_dictionaries(
    {
        "resolve_link_tos": st.booleans(),
        "start_from": st.integers(-1, 3),
        "max_retry_count": st.integers(0, 2),
        "subscriber_max_count": st.sampled_from([0, 0, 0, 1, 2, -1]),
        "named_consumer_strategy": st.sampled_from(["RoundRobin", "RoundRobin", "DispatchToSingle", "Nonsense"]),
    }
)
FIXED = {
    "message_timeout_milliseconds": 0, "live_buffer_size": 500, "read_batch_size": 20, "buffer_size": 500,
    "checkpoint_after_time": 0, "checkpoint_max_count": 1, "checkpoint_min_count": 1,
}  # fmt: skip
ACTION = st.sampled_from([0, 1, 2, 2, 3, 4])
FEW = st.lists(st.integers(0, 4), min_size=1, max_size=3)


def new_event(kind: str) -> Any:
    event_id = (next(FRESH) << 64).to_bytes(16, "big")
    event_type, data = ("T", b"") if kind == "plain" else ("$>", kind.encode())
    return schema.NewEvent(event_id=event_id, event_type=event_type, data=data)


class Pair:
    """A server with clients, and the model of its groups."""

    def __init__(self) -> None:
        self.log = Log()
        self.places = Places()
        self.groups: dict[tuple[str, str], Group] = {}
        self.server = EmbeddedServer(SqliteStore.in_memory(clock=lambda: self.log.now), heartbeat_interval=3600.0)
        self.clients: list[RawClient] = []

    async def start(self) -> None:
        await self.server.start()
        self.admin = await RawClient.to(self.server).__aenter__()
        for _ in range(CLIENTS):
            self.clients.append(await RawClient.to(self.server).__aenter__())

    async def stop(self) -> None:
        for client in (self.admin, *self.clients):
            await client.__aexit__()
        await self.server.stop()

    def consumers(self) -> list[tuple[Group, Consumer]]:
        return [(group, consumer) for group in self.groups.values() for consumer in group.consumers]

    async def write(self, stream: str, events: list[Any]) -> None:
        self.log.write(stream, events)
        request = schema.WriteEvents(event_stream_id=stream, expected_version=-2, events=events)
        reply = await self.admin.ask_for(schema.WriteEventsCompleted, Command.WRITE_EVENTS, request)
        assert (reply.result, reply.last_event_number) == (0, self.log.last(stream))
        await self.check_deliveries()

    async def manage(self, command: Command, request: Any, user: Any, expected: Any) -> None:
        reply = await self.admin.ask_for(type(expected), command, request, user=user)
        assert reply == expected

    async def connect(self, client: int, stream: str, name: str, slots: int) -> None:
        request = schema.ConnectToPersistentSubscription(
            subscription_id=name, event_stream_id=stream, allowed_in_flight_messages=slots
        )
        correlation_id = self.clients[client].send(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, request)
        package = await self.receive(client, correlation_id)
        group = self.groups.get((stream, name))
        if group is None or group.is_full:
            dropped = schema.SubscriptionDropped(reason=2 if group is None else 4)
            assert package == Package(Command.SUBSCRIPTION_DROPPED, correlation_id, dropped.SerializeToString())
            return
        assert package.command == Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION
        confirmation = schema.PersistentSubscriptionConfirmation.FromString(package.payload)
        assert confirmation == schema.PersistentSubscriptionConfirmation(
            subscription_id=group.name,
            last_commit_position=confirmation.last_commit_position,  # differs, because groups write events, too
            last_event_number=self.log.last(stream),
        )
        group.consumers.append(Consumer(correlation_id, client, slots))
        await self.check_deliveries()

    async def all_are_dropped(self, consumers: list[Consumer]) -> None:
        """Check that each consumer gets an empty SubscriptionDropped, which means reason 0."""
        for consumer in consumers:
            package = await self.receive(consumer.client, consumer.id)
            assert package == Package(Command.SUBSCRIPTION_DROPPED, consumer.id)

    async def disconnect(self, client: int) -> None:
        """Close a connection, and open another one in its place."""
        await self.clients[client].__aexit__()
        while self.server.client_count > CLIENTS:
            await self.nothing_more(self.admin)
        for group, consumer in self.consumers():
            if consumer.client == client:
                group.leave(consumer)
        self.clients[client] = await RawClient.to(self.server).__aenter__()
        await self.check_deliveries()

    async def receive(self, client: int, correlation_id: bytes) -> Package:
        """Return the next package for a consumer. Packages for other consumers of the client are kept for them."""
        others: list[Package] = []
        while True:
            package = await self.clients[client].receive()
            assert package is not None
            if package.correlation_id == correlation_id:
                self.clients[client]._received[:0] = others
                return package
            others.append(package)

    async def check_deliveries(self) -> None:
        """Check that exactly the deliveries of the model arrive."""
        for group in self.groups.values():
            for consumer, models in group.deliver():
                package = await self.receive(consumer.client, consumer.id)
                assert package.command == Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED
                servers = APPEARED.FromString(package.payload)
                expected = self.places.expected(models, servers)
                assert servers == expected, f"\nthe server: {servers}\nthe model: {expected}"
        for client in self.clients:
            await self.nothing_more(client)

    async def nothing_more(self, client: RawClient) -> None:
        ping = client.send(Command.PING)
        assert await client.receive() == Package(Command.PONG, ping)

    async def check_written(self) -> None:
        """Wait until the checkpoints and parked events of the model are in their streams."""
        for group in self.groups.values():
            stream = f"$persistentsubscription-{group.name}"
            while await self.data_of(f"{stream}-parked", len(group.parked) + 1) != group.parked[::-1]:
                pass
            checkpoint = [] if group.checkpoint is None else [str(group.checkpoint).encode()]
            while await self.data_of(f"{stream}-checkpoint", 1) != checkpoint:
                pass

    async def data_of(self, stream: str, most: int) -> list[bytes]:
        """Return the data of the last events of a stream, the last one first."""
        request = schema.ReadStreamEvents(event_stream_id=stream, from_event_number=-1, max_count=most)
        command = Command.READ_STREAM_EVENTS_BACKWARD
        page = await self.admin.ask_for(schema.ReadStreamEventsCompleted, command, request, user=ADMIN)
        return [each.event.data for each in page.events]


class Machine(RuleBasedStateMachine):
    """Three clients that share groups of one stream."""

    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.groups = self.pair.groups
        self.run(self.pair.start())

    def run(self, what: Any) -> Any:
        async def in_time() -> Any:
            async with asyncio.timeout(TIMEOUT):
                return await what

        return self.runner.run(in_time())

    def teardown(self) -> None:
        try:
            self.run(self.pair.check_written())
        finally:
            self.run(self.pair.stop())

    @initialize(events=EVENTS)
    def begin(self, events: list[str]) -> None:
        self.run(self.pair.write("t", [new_event("plain")]))
        self.write(events)
        self.create(ADMIN, "s", "g", {"start_from": 0, "max_retry_count": 1, "named_consumer_strategy": "RoundRobin"})
        self.connect(0, "s", "g", 2)

    @rule(events=EVENTS)
    def write(self, events: list[str]) -> None:
        self.run(self.pair.write("s", [new_event(kind) for kind in events]))

    @rule(
        user=st.sampled_from([ADMIN, ADMIN, None, OPS]),
        stream=STREAMS,
        name=NAMES,
        chosen=SETTINGS,
    )
    def create(self, user: Credentials | None, stream: str, name: str, chosen: dict[str, int | str]) -> None:
        request = schema.CreatePersistentSubscription(
            **FIXED, **chosen, event_stream_id=stream, subscription_group_name=name
        )
        strategy = request.named_consumer_strategy
        if user is not ADMIN:
            expected = CREATED(result=3, reason="You do not have permissions to create streams")
        elif not stream:
            expected = CREATED(result=2, reason="Bad stream name.")
        elif (stream, name) in self.groups:
            expected = CREATED(result=1, reason=f"Group '{name}' already exists.")
        elif strategy == "Nonsense":
            expected = CREATED(result=2, reason=f"Consumer strategy {strategy} does not exist.")
        else:
            expected = CREATED(result=0, reason="")
            self.groups[stream, name] = Group(self.pair.log, request)
        self.run(self.pair.manage(Command.CREATE_PERSISTENT_SUBSCRIPTION, request, user, expected))

    @rule(user=st.sampled_from([ADMIN, ADMIN, None]), name=NAMES, chosen=SETTINGS)
    def update(self, user: Credentials | None, name: str, chosen: dict[str, int | str]) -> None:
        request = schema.UpdatePersistentSubscription(
            **FIXED, **chosen, event_stream_id="s", subscription_group_name=name
        )
        strategy = request.named_consumer_strategy
        group, dropped = self.groups.get(("s", name)), []
        if user is not ADMIN:
            expected = CHANGED(result=3, reason="You do not have permissions to update the subscription")
        elif group is None:
            expected = CHANGED(result=1, reason=f"Group '{name}' does not exist.")
        elif strategy == "Nonsense":
            expected = CHANGED(result=2, reason=f"Consumer strategy {strategy} does not exist.")
        else:
            expected = CHANGED(result=0, reason="")
            dropped = list(group.consumers)
            self.groups["s", name] = group.updated(request)
        self.run(self.pair.manage(Command.UPDATE_PERSISTENT_SUBSCRIPTION, request, user, expected))
        self.run(self.pair.all_are_dropped(dropped))

    @rule(user=st.sampled_from([ADMIN, None]), name=NAMES)
    def delete(self, user: Credentials | None, name: str) -> None:
        request = schema.DeletePersistentSubscription(event_stream_id="s", subscription_group_name=name)
        group, dropped = self.groups.get(("s", name)), []
        if user is not ADMIN:
            expected = CHANGED(result=3, reason="You do not have permissions to create streams")
        elif group is None:
            expected = CHANGED(result=1, reason=f"Group '{name}' does not exist.")
        else:
            expected = CHANGED(result=0, reason="")
            dropped = list(self.groups.pop(("s", name)).consumers)
        self.run(self.pair.manage(Command.DELETE_PERSISTENT_SUBSCRIPTION, request, user, expected))
        self.run(self.pair.all_are_dropped(dropped))

    @rule(client=st.integers(0, CLIENTS - 1), stream=STREAMS.filter(bool), name=NAMES, slots=st.integers(0, 4))
    def connect(self, client: int, stream: str, name: str, slots: int) -> None:
        self.run(self.pair.connect(client, stream, name, slots))

    def consumer(self, which: int) -> tuple[Group, Consumer]:
        consumers = self.pair.consumers()
        return consumers[which % len(consumers)]

    @precondition(lambda self: self.pair.consumers())
    @rule(which=st.integers(0, 10))
    def unsubscribe(self, which: int) -> None:
        group, consumer = self.consumer(which)
        self.pair.clients[consumer.client].send(Command.UNSUBSCRIBE_FROM_STREAM, id=consumer.id)
        group.leave(consumer)
        self.run(self.pair.all_are_dropped([consumer]))
        self.run(self.pair.check_deliveries())

    @rule(client=st.integers(0, CLIENTS - 1))
    def disconnect(self, client: int) -> None:
        self.run(self.pair.disconnect(client))

    def ids(self, group: Group, few: list[int]) -> list[bytes]:
        """Return ids of events in flight with any consumer, or an unknown id if there are none."""
        out = list(group.in_flight) or [b"?" * 16]
        return list(dict.fromkeys(out[which % len(out)] for which in few))

    @precondition(lambda self: self.pair.consumers())
    @rule(by=st.integers(0, CLIENTS - 1), which=st.integers(0, 10), few=FEW)
    def ack(self, by: int, which: int, few: list[int]) -> None:
        """Acknowledge events of a consumer, over its own connection or another."""
        group, consumer = self.consumer(which)
        ids = self.ids(group, few)
        request = schema.PersistentSubscriptionAckEvents(subscription_id=group.name, processed_event_ids=ids)
        self.pair.clients[by].send(Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, request, id=consumer.id)
        group.ack(consumer, ids)
        self.run(self.pair.check_deliveries())

    @precondition(lambda self: self.pair.consumers())
    @rule(
        by=st.integers(0, CLIENTS - 1), which=st.integers(0, 10), few=FEW, action=st.sampled_from([0, 1, 2, 2, 3, 4])
    )
    def nak(self, by: int, which: int, few: list[int], action: int) -> None:
        group, consumer = self.consumer(which)
        ids = self.ids(group, few)
        request = schema.PersistentSubscriptionNakEvents(
            subscription_id=group.name, processed_event_ids=ids, message=b"why", action=action
        )
        self.pair.clients[by].send(Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS, request, id=consumer.id)
        group.nak(consumer, ids, action)
        self.run(self.pair.check_deliveries())


def run(examples: int, steps: int) -> None:
    with asyncio.Runner() as runner:
        machine = type("Machine", (Machine,), {"runner": runner})
        run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))


@pytest.mark.timeout(600)  # Shrinking is slow, and only shortens a failing example.
def test_groups_deliver_like_the_model() -> None:
    run(examples=30, steps=30)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_groups_deliver_like_the_model_in_long_runs() -> None:
    run(examples=int(os.environ.get("ROUNDS", "2000")), steps=80)
