"""Relays that are stopped at any moment and started again write each result once, in order."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import NewEvent
from rxpump.errors import InvalidArgument
from rxpump.server import EmbeddedServer
from rxpump.streams import relay as relay_module
from rxpump.streams.relay import Relay
from rxpump.testing.proxy import Proxy
from tests.relay_process import EVENTS, EXPECTED, pipeline

SHORT_TIMEOUTS = rxpump.Settings(reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.005))

Client = rxpump.Client


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[Client]:
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("source", (NewEvent("Counted", {"n": n}) for n in range(EVENTS)))
        yield client


async def target(client: Client, name: str = "target") -> list[tuple[int, int]]:
    try:
        return [(body["n"], body["copy"]) async for body in client.iter(name).pipe(rx.map(lambda e: e.json()))]
    except rxpump.errors.StreamNotFound:
        return []


async def until_written(client: Client, relay: Relay, count: int) -> None:
    """Run the relay until the target has `count` events or the relay ends."""
    enough = asyncio.Event()

    def written(result: rxpump.WriteResult) -> None:
        if result.last_event_number >= count - 1:
            enough.set()

    failures: list[Exception] = []

    def failed(error: Exception) -> None:
        failures.append(error)
        enough.set()

    running = relay.subscribe(written, failed, enough.set)
    await enough.wait()
    running.dispose()
    if failures:
        raise failures[0]


async def test_each_result_is_written_once_in_order(client: Client) -> None:
    relay = client.relay("source", pipeline, "target")
    await until_written(client, relay, len(EXPECTED))
    assert await target(client) == EXPECTED


async def test_a_relay_survives_cancels_and_lost_connections(client: Client, memory_server: EmbeddedServer) -> None:
    """Each of 200 runs is cancelled or loses its connection at a random moment."""
    rng = random.Random(11)
    name = "target-0"

    async def cancelled(relay_client: Client, proxy: Proxy) -> None:
        running = relay_client.relay("source", pipeline, name, batch_size=50).subscribe(on_error=lambda _: None)
        await asyncio.sleep(rng.uniform(0, 0.012))
        running.dispose()

    async def cut(relay_client: Client, proxy: Proxy) -> None:
        running = relay_client.relay("source", pipeline, name, batch_size=50).subscribe(on_error=lambda _: None)
        await asyncio.sleep(rng.uniform(0, 0.01))
        proxy.cut()
        await asyncio.sleep(rng.uniform(0, 0.004))
        running.dispose()

    deaths: list[Callable[[Client, Proxy], Awaitable[None]]] = [cancelled, cut]
    async with Proxy(memory_server.port, rng) as proxy:
        for death in range(200):
            async with rxpump.connect(f"tcp://127.0.0.1:{proxy.port}", settings=SHORT_TIMEOUTS) as mortal:
                await rng.choice(deaths)(mortal, proxy)
            so_far = await target(client, name) if death % 10 == 9 else []
            assert so_far == EXPECTED[: len(so_far)]
            if len(so_far) == len(EXPECTED):
                name = f"target-{death}"
    if len(await target(client, name)) < len(EXPECTED):
        await until_written(client, client.relay("source", pipeline, name), len(EXPECTED))
    assert await target(client, name) == EXPECTED


async def kill_processes(client: Client, uri: str, rounds: int) -> None:
    rng = random.Random(rounds)
    for _ in range(rounds):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.relay_process", uri, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(rng.uniform(0, 0.08))
        process.kill()
        await process.wait()
        so_far = await target(client)
        assert so_far == EXPECTED[: len(so_far)]
    if len(await target(client)) < len(EXPECTED):
        await until_written(client, client.relay("source", pipeline, "target"), len(EXPECTED))
    assert await target(client) == EXPECTED


async def test_a_relay_survives_killed_processes(client: Client, memory_server: EmbeddedServer) -> None:
    await kill_processes(client, memory_server.uri, 6)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_relay_survives_many_killed_processes(client: Client, memory_server: EmbeddedServer) -> None:
    await kill_processes(client, memory_server.uri, int(os.environ.get("ROUNDS", "2000")) // 10)


async def test_two_equal_relays_write_each_result_once(client: Client) -> None:
    done = asyncio.Event()

    def written(result: rxpump.WriteResult) -> None:
        if result.last_event_number == len(EXPECTED) - 1:
            done.set()

    both = [client.relay("source", pipeline, "target", batch_size=70).subscribe(written) for _ in range(2)]
    await done.wait()
    for relay in both:
        relay.dispose()
    assert await target(client) == EXPECTED


async def test_dropped_events_are_not_read_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "HINT_EVERY", 50)
    seen: list[int] = []

    def note(event: rxpump.Event) -> None:
        seen.append(event.number)

    def is_first(event: rxpump.Event) -> bool:
        return event.number == 0

    def only_the_first(events: reactivex.Observable[rxpump.Event]) -> reactivex.Observable[NewEvent]:
        return events.pipe(
            rx.do_action(note),
            rx.filter(is_first),
            rx.map(lambda event: NewEvent("First", {"n": 0, "copy": 0})),
        )

    async def read_to_the_end() -> list[int]:
        seen.clear()
        running = client.relay("source", only_the_first, "target").subscribe()
        while not seen or seen[-1] != EVENTS - 1:
            await asyncio.sleep(0)
        while not (hint := await hinted()) or hint < EVENTS - 200:
            await asyncio.sleep(0.001)
        running.dispose()
        return list(seen)

    async def hinted() -> int:
        try:
            metadata = (await client.get_event("$$target", -1)).json()
        except rxpump.errors.RxPumpError:
            return 0
        return int(metadata["$relay"]["source"])

    assert await read_to_the_end() == list(range(EVENTS))
    again = await read_to_the_end()
    assert len(again) < 200
    assert await target(client) == [(0, 0)]


async def test_a_relay_continues_with_later_events(client: Client) -> None:
    relay = client.relay("source", pipeline, "target")
    await until_written(client, relay, len(EXPECTED))
    await client.publish_event("source", "Counted", {"n": EVENTS})
    await until_written(client, relay, len(EXPECTED) + 2)
    assert (await target(client))[-2:] == [(EVENTS, 0), (EVENTS, 1)]


async def test_metadata_of_a_result_is_kept(client: Client) -> None:
    def with_metadata(events: reactivex.Observable[rxpump.Event]) -> reactivex.Observable[NewEvent]:
        return events.pipe(rx.take(1), rx.map(lambda event: NewEvent("Made", {}, metadata={"by": "me"})))

    await client.relay("source", with_metadata, "target")
    event = await client.get_event("target", 0)
    assert event.json_metadata() == {"by": "me", "$relay": {"stream": "source", "number": 0, "nth": 0}}


async def test_a_pipeline_with_events_from_elsewhere_is_refused(client: Client) -> None:
    def elsewhere(events: reactivex.Observable[rxpump.Event]) -> reactivex.Observable[NewEvent]:
        return reactivex.from_iterable([NewEvent("Stray")])

    with pytest.raises(InvalidArgument, match="do not deliver from a timer or another source"):
        await client.relay("source", elsewhere, "target")
