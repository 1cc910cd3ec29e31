"""A program with every kind of long-lived work, and the failures of the cluster that it uses.

The program publishes the numbers 0, 1, 2, ... to a stream, with exact versions. A relay copies them to another
stream. One subscription follows `$all`, another follows the stream on a follower, and two consumers share a group.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import Delivery, Event, ExpectedVersion, NewEvent, Position
from rxpump import operators as ops
from rxpump.testing import EmbeddedCluster, NodeState

NUMBERS, COPIES = "numbers", "copies"
GROUP = "counters"
MORE = 5
"""Number of events that are published between two changes of the leader."""

SHORT_TIMEOUTS = rxpump.Settings(
    timeout=5.0,
    connect_within=30.0,
    heartbeat_interval=0.1,
    heartbeat_timeout=0.2,
    node_timeout=0.3,
    node_check_interval=0.2,
    gossip_timeout=0.2,
    gossip_interval=0.05,
    reconnect=rxpump.Backoff(min_delay=0.005, max_delay=0.05),
    retry=rxpump.Backoff(min_delay=0.005, max_delay=0.05),
)
"""Settings with such short timeouts that a client recovers from a failure in a fraction of a second."""


def copies(events: reactivex.Observable[Event]) -> reactivex.Observable[NewEvent]:
    """Return an Observable that has a copy of each event, with the same number as data."""

    def copy(event: Event) -> NewEvent:
        return NewEvent("Copied", event.json())

    return events.pipe(rx.map(copy))


@dataclass
class Seen:
    """The numbers that one part of the program has seen, in order."""

    name: str
    numbers: list[int] = field(default_factory=list)
    failure: Exception | None = None

    @property
    def is_exact(self) -> bool:
        """Whether each number was seen once, in order, and none is missing."""
        return self.numbers == list(range(len(self.numbers)))

    def __repr__(self) -> str:
        last = self.numbers[-1] if self.numbers else None
        return f"<{self.name}: {len(self.numbers)} numbers, last {last}, {self.failure!r}>"


class Program:
    """The program. Its parts run until it is closed.

    Attributes:
        published: Number of events that were passed to the publisher.
        parts: Numbers that each part has seen.
        handled: Number of times that consumers of the group have handled each number.
    """

    def __init__(self) -> None:
        self.published = 0
        self.in_all, self.in_copies, self.on_follower = Seen("$all"), Seen("copies in $all"), Seen("follower")
        self.handled: dict[int, int] = {}
        self.consumers = Seen("consumers")
        self.relay_failure: Exception | None = None
        self.position = Position(-1, -1)
        self._is_open = True
        self._news = asyncio.Event()

    @property
    def parts(self) -> tuple[Seen, ...]:
        return self.in_all, self.in_copies, self.on_follower

    def check(self) -> None:
        """Check that nothing was lost, doubled or reordered so far, and that no part has failed."""
        for part in (*self.parts, self.consumers):
            assert part.failure is None, part
        for part in self.parts:
            assert part.is_exact, part
        assert self.relay_failure is None, self.relay_failure

    async def catch_up(self) -> None:
        """Wait until all parts have seen all events published until now, and some later ones."""
        await self.until(self.published + MORE)

    async def until(self, goal: int) -> None:
        """Wait until all parts have seen this number of events."""
        while not self._has_reached(goal):
            self.check()
            self._news.clear()
            await self._news.wait()
        self.check()

    def _has_reached(self, goal: int) -> bool:
        return all(len(part.numbers) >= goal for part in self.parts) and len(self.handled) >= goal

    def note_event_of_all(self, event: Event) -> None:
        assert event.position is not None
        assert event.position > self.position, f"{event.position} after {self.position}"
        self.position = event.position
        if event.stream == NUMBERS:
            self._note(self.in_all, event)
        elif event.stream == COPIES and event.type == "Copied":
            self._note(self.in_copies, event)

    def note_event_of_follower(self, event: Event) -> None:
        self._note(self.on_follower, event)

    def _note(self, seen: Seen, event: Event) -> None:
        seen.numbers.append(event.json()["n"])
        self._news.set()

    async def handle(self, delivery: Delivery) -> Delivery:
        """Handle a delivery of the group."""
        await asyncio.sleep(0)
        number = delivery.event.json()["n"]
        self.handled[number] = self.handled.get(number, 0) + 1
        self._news.set()
        return delivery

    def failed(self, part: Seen) -> Callable[[Exception], None]:
        def note(error: Exception) -> None:
            part.failure = error
            self._news.set()

        return note

    def relay_failed(self, error: Exception) -> None:
        self.relay_failure = error
        self._news.set()

    def __repr__(self) -> str:
        parts = ", ".join(map(repr, (*self.parts, self.consumers)))
        return f"<Program, {self.published} published, {len(self.handled)} handled, {parts}, {self.relay_failure!r}>"

    async def publish(self, client: rxpump.Client) -> None:
        """Publish numbers with exact versions until the program is closed, and wait for the last acknowledgement."""
        publisher = client.publisher(NUMBERS, expected_version=ExpectedVersion.NO_STREAM, max_batch=8)

        async def numbers() -> AsyncIterator[NewEvent]:
            while self._is_open:
                yield NewEvent("Counted", {"n": self.published})
                self.published += 1
                await asyncio.sleep(0.002)

        async for event in numbers():
            publisher.on_next(event)
        publisher.on_completed()
        await publisher.drained()

    def stop_publishing(self) -> None:
        self._is_open = False


@asynccontextmanager
async def running(uri: str, preference: str) -> AsyncIterator[Program]:
    """Run the program on a cluster. At the end, wait until it has processed everything.

    Args:
        uri: Connection string of the cluster.
        preference: Kind of node that the reader of the stream uses.
    """
    program = Program()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                rxpump.connect(uri, settings=SHORT_TIMEOUTS, name=name, node_preference=kind)
            )
            for name, kind in (("writer", "leader"), ("reader", preference), ("consumer", "leader"))
        ]
        writer, reader, consumer = clients
        await consumer.create_subscription(
            GROUP, NUMBERS, start_from=0, message_timeout_seconds=5.0, checkpoint_after_seconds=0.1
        )
        publishing = asyncio.create_task(program.publish(writer))
        subscriptions = [
            writer.relay(NUMBERS, copies, COPIES).subscribe(on_error=program.relay_failed),
            writer.stream_all().subscribe(program.note_event_of_all, program.failed(program.in_all)),
            reader.stream(NUMBERS).subscribe(program.note_event_of_follower, program.failed(program.on_follower)),
            *(
                consumer.connect_subscription(GROUP, NUMBERS)
                .pipe(ops.map_async(program.handle), ops.ack_each())
                .subscribe(on_error=program.failed(program.consumers))
                for _ in range(2)
            ),
        ]
        try:
            yield program
            program.stop_publishing()
            await publishing
            await program.until(program.published)
            assert {len(part.numbers) for part in program.parts} == {program.published}
            assert sorted(program.handled) == list(range(program.published))
        finally:
            publishing.cancel()
            for subscription in subscriptions:
                subscription.dispose()


async def moment(chance: random.Random) -> None:
    """Wait for a short random time, in which some requests are made."""
    await asyncio.sleep(chance.choice((0, 0, 0.005, 0.03, 0.15, 0.4)))


async def kill(cluster: EmbeddedCluster, chance: random.Random) -> None:
    killed = cluster.leader
    await cluster.kill(killed)
    await moment(chance)
    await cluster.elect()
    await moment(chance)
    state = chance.choice((NodeState.FOLLOWER, NodeState.INITIALIZING, NodeState.PRE_REPLICA, NodeState.CATCHING_UP))
    await cluster.start_node(killed, state)
    await moment(chance)
    await cluster.join(killed)


async def kill_and_restart(cluster: EmbeddedCluster, chance: random.Random) -> None:
    """Kill the leader, and let it win the election after its restart."""
    killed = cluster.leader
    await cluster.kill(killed)
    await moment(chance)
    await cluster.start_node(killed, NodeState.UNKNOWN)
    await cluster.join(killed)
    await cluster.elect(killed)


async def hang(cluster: EmbeddedCluster, chance: random.Random) -> None:
    hanging = cluster.leader
    await cluster.hang(hanging)
    await moment(chance)
    await cluster.elect()
    await moment(chance)
    await cluster.resume(hanging)


async def hang_without_election(cluster: EmbeddedCluster, chance: random.Random) -> None:
    hanging = cluster.leader
    await cluster.hang(hanging)
    await moment(chance)
    await cluster.resume(hanging)
    await cluster.elect()


async def cut_off(cluster: EmbeddedCluster, chance: random.Random) -> None:
    await cluster.cut_off(cluster.leader)
    await moment(chance)
    await cluster.elect()
    await moment(chance)
    await cluster.heal()


async def resign(cluster: EmbeddedCluster, chance: random.Random) -> None:
    await cluster.resign()


async def slow_election(cluster: EmbeddedCluster, chance: random.Random) -> None:
    await cluster.start_election()
    await moment(chance)
    await cluster.elect()


async def lag(cluster: EmbeddedCluster, chance: random.Random) -> None:
    """Delay the replication to a follower, and then make it the leader."""
    follower = chance.choice(cluster.followers)
    await cluster.delay_replication(follower)
    await moment(chance)
    await cluster.elect(follower)
    await cluster.catch_up(follower)


async def lose_followers(cluster: EmbeddedCluster, chance: random.Random) -> None:
    """Kill all followers one by one, so that there is no majority for some time, and elect another leader."""
    followers = cluster.followers
    for follower in followers:
        await cluster.kill(follower)
        await moment(chance)
    for follower in followers:
        await cluster.start_node(follower)
    await cluster.elect()


FAILURES: tuple[Callable[[EmbeddedCluster, random.Random], Awaitable[None]], ...] = (
    kill,
    kill_and_restart,
    hang,
    hang_without_election,
    cut_off,
    resign,
    slow_election,
    lag,
    lose_followers,
)
"""All kinds of leader changes. After each of them the cluster is whole again."""
