"""Programs have the same results if a proxy changes the form of everything that the server sends."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

import rxpump
from rxpump.server import EmbeddedServer, SqliteStore
from tests.contract.programs import Run, program
from tests.contract.test_same_results import WRITES, explained, same
from tests.grpc.reshaping_proxy import reshaping

SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 40))]


@pytest.mark.parametrize("sends_goaway", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_program_has_the_same_results_in_any_form(seed: int, sends_goaway: bool) -> None:
    async with AsyncExitStack() as stack:
        server = EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True)
        await stack.enter_async_context(server)
        assert server.grpc_port is not None
        proxy = await stack.enter_async_context(reshaping(server.grpc_port, seed, sends_goaway=sends_goaway))
        clients = [
            await stack.enter_async_context(rxpump.connect(f"kurrentdb://127.0.0.1:{port}?tls=false"))
            for port in (server.grpc_port, proxy.port)
        ]
        plain, reshaped = map(Run, clients)
        for number, step in enumerate(program(seed, 50)):
            if step.method in WRITES:
                await (plain if number % 4 == 0 else reshaped).execute(step)
                continue
            results = {"plain": await plain.execute(step), "reshaped": await reshaped.execute(step)}
            assert same(results), explained(number, step, results)
        assert not sends_goaway or proxy.connections > 1
