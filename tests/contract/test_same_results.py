"""The same random programs over TCP, over gRPC and in memory have the same results."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest

import rxpump
from rxpump.client import Client
from rxpump.errors import StreamDeleted
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer, SqliteStore
from tests.contract.programs import Run, Step, program

SEEDS = [*range(15), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(15, 130))]
LENGTH = 60


WRITES = ("append", "link", "set_metadata", "delete")
"""Steps that write."""


def uris(server: EmbeddedServer) -> tuple[str, str]:
    """Return the connection strings of a server for TCP and gRPC."""
    return f"tcp://127.0.0.1:{server.port}", f"kurrentdb://127.0.0.1:{server.grpc_port}?tls=false"


async def clients(stack: AsyncExitStack) -> dict[str, Client]:
    """Return a client of each protocol, with a store of its own."""
    found: dict[str, Client] = {}
    for protocol in ("tcp", "grpc", "memory"):
        uri = "memory://"
        if protocol != "memory":
            server = EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True)
            await stack.enter_async_context(server)
            uri = uris(server)[protocol == "grpc"]
        found[protocol] = await stack.enter_async_context(rxpump.connect(uri))
    return found


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_program_has_the_same_results(seed: int) -> None:
    async with AsyncExitStack() as stack:
        runs = {protocol: Run(client) for protocol, client in (await clients(stack)).items()}
        for number, step in enumerate(program(seed, LENGTH)):
            results = {protocol: await run.execute(step) for protocol, run in runs.items()}
            assert same(results), explained(number, step, results)
            positions = {len(run.positions) for run in runs.values()}
            assert len(positions) == 1, explained(number, step, results)


@pytest.mark.parametrize("seed", SEEDS)
async def test_one_store_is_read_the_same(seed: int) -> None:
    """Both protocols write to one store alternately, and read the same from it. Some writes are transactions."""
    async with AsyncExitStack() as stack:
        server = EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True)
        await stack.enter_async_context(server)
        tcp, grpc = [await stack.enter_async_context(rxpump.connect(uri)) for uri in uris(server)]
        runs = {"tcp": Run(tcp), "grpc": Run(grpc)}
        for number, step in enumerate(program(seed, LENGTH)):
            if step.method in WRITES:
                await (runs["grpc"] if number % 2 else runs["tcp"]).execute(step)
                if number % 3 == 0:
                    await write_transaction(tcp, "a" if number % 2 else "b", number)
                continue
            results = {protocol: await run.execute(step) for protocol, run in runs.items()}
            assert same(results), explained(number, step, results)


async def write_transaction(client: Client, stream: str, number: int) -> None:
    """Write a transaction, and an event to another stream after each of its writes."""
    with suppress(StreamDeleted):
        async with client.transaction(stream) as transaction:
            for n in range(3):
                await transaction.write([NewEvent("Odd", number + n)])
                with suppress(StreamDeleted):
                    await client.publish("links", [NewEvent("Even", n)])


def same(results: dict[str, Any]) -> bool:
    first, *others = results.values()
    return all(each == first for each in others)


def explained(number: int, step: Step, results: dict[str, Any]) -> str:
    return f"step {number}: {step}\n" + "\n".join(f"{protocol}: {result}" for protocol, result in results.items())
