"""Subscriptions that start during concurrent writes get each later event exactly once."""

from __future__ import annotations

import asyncio
import random
from itertools import count
from pathlib import Path
from typing import Any

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, RawClient
from tests.server.talk import event_of

STREAMS = ("a", "b")
EVERYTHING = ""
WRITERS, SUBSCRIBERS, ROUNDS = 6, 12, 100


class Subscriber:
    """A client that subscribes, keeps a few events, and unsubscribes, repeatedly."""

    def __init__(self, client: RawClient, chance: random.Random) -> None:
        self.client = client
        self.chance = chance
        self.stays: list[tuple[str, schema.SubscriptionConfirmation, list[bytes]]] = []

    async def run(self) -> None:
        for _ in range(ROUNDS):
            stream = self.chance.choice((*STREAMS, EVERYTHING))
            ask = schema.SubscribeToStream(event_stream_id=stream)
            self.id = self.client.send(Command.SUBSCRIBE_TO_STREAM, ask, user=ADMIN)
            confirmation = await self.receive(Command.SUBSCRIPTION_CONFIRMATION)
            received: list[bytes] = []
            self.stays.append((stream, schema.SubscriptionConfirmation.FromString(confirmation), received))
            for _ in range(self.chance.randrange(4)):
                received.append(await self.receive(Command.STREAM_EVENT_APPEARED))
            self.client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=self.id)
            while (rest := await self.receive(Command.STREAM_EVENT_APPEARED, Command.SUBSCRIPTION_DROPPED)) != b"":
                received.append(rest)

    async def receive(self, *commands: Command) -> bytes:
        package = await self.client.expect_package()
        assert package.correlation_id == self.id
        assert package.command in commands
        return package.payload


async def keep_writing(client: RawClient, chance: random.Random) -> None:
    for number in count():
        events = [event_of(str(number)) for _ in range(chance.randrange(4))]
        message = schema.WriteEvents(
            event_stream_id=chance.choice((*STREAMS, "other")), expected_version=-2, events=events
        )
        await client.ask_for(schema.WriteEventsCompleted, Command.WRITE_EVENTS, message)


async def whole_log(client: RawClient) -> list[Any]:
    events, position = list[Any](), 0
    while True:
        ask = schema.ReadAllEvents(commit_position=position, prepare_position=0, max_count=4096)
        page = await client.ask_for(schema.ReadAllEventsCompleted, Command.READ_ALL_EVENTS_FORWARD, ask, user=ADMIN)
        if not page.events:
            return events
        events += page.events
        position = page.next_commit_position


async def test_a_subscription_gets_all_events_after_its_start(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with EmbeddedServer(SqliteStore.open(tmp_path / "events.db")) as server:
        clients = [RawClient.to(server) for _ in range(WRITERS + SUBSCRIBERS)]
        await asyncio.gather(*(client.__aenter__() for client in clients))
        writers = [asyncio.create_task(keep_writing(client, chance)) for client in clients[:WRITERS]]
        subscribers = [Subscriber(client, chance) for client in clients[WRITERS:]]
        await asyncio.gather(*(subscriber.run() for subscriber in subscribers))
        for writer in writers:
            writer.cancel()
        await asyncio.wait(writers)
        assert all(writer.cancelled() for writer in writers)
        async with RawClient.to(server) as reader:
            log = await whole_log(reader)
        await asyncio.gather(*(client.__aexit__() for client in clients))

    received_count = 0
    for subscriber in subscribers:
        for stream, confirmation, payloads in subscriber.stays:
            received = [schema.StreamEventAppeared.FromString(payload).event for payload in payloads]
            of_stream = [event for event in log if stream in (EVERYTHING, event.event.event_stream_id)]
            following = [each for each in of_stream if each.commit_position > confirmation.last_commit_position]
            assert received == following[: len(received)]
            if received and stream != EVERYTHING:
                assert received[0].event.event_number == confirmation.last_event_number + 1
            received_count += len(received)
    assert received_count > SUBSCRIBERS * ROUNDS
