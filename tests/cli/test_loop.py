"""The `rxpump` command runs on uvloop if it is installed."""

from __future__ import annotations

import asyncio

import pytest

import rxpump
from rxpump.cli import loop
from rxpump.server import EmbeddedServer, SqliteStore


async def kind_of_loop() -> type[asyncio.AbstractEventLoop]:
    return type(asyncio.get_running_loop())


def test_without_uvloop_asyncio_runs_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "loop_factory", None)
    assert issubclass(loop.run(kind_of_loop()), asyncio.SelectorEventLoop)


def test_with_uvloop_it_runs_the_loop() -> None:
    pytest.importorskip("uvloop")
    assert loop.run(kind_of_loop()).__module__.startswith("uvloop")


def test_client_and_server_work_in_the_loop() -> None:
    async def main() -> int:
        async with EmbeddedServer(SqliteStore.in_memory()) as server, rxpump.connect(server.uri) as client:
            await client.publish_event("ponies", "PonyJumped", {"Height": 10})
            async for event in client.stream("ponies"):
                return int(event.json()["Height"])
        raise AssertionError

    assert loop.run(main()) == 10
