"""The `rxpump` command runs on uvloop if it is installed."""

from __future__ import annotations

import asyncio

import pytest

import rxpump
from rxpump.cli import loop
from rxpump.server import EmbeddedServer, SqliteStore


async def name_of_the_loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_without_uvloop_asyncio_runs_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "loop_factory", None)
    assert loop.run(name_of_the_loop()).startswith("asyncio.")


def test_with_uvloop_it_runs_the_loop() -> None:
    pytest.importorskip("uvloop")
    assert loop.run(name_of_the_loop()).startswith("uvloop")


def test_client_and_server_work_in_the_loop() -> None:
    async def main() -> int:
        async with EmbeddedServer(SqliteStore.in_memory()) as server, rxpump.connect(server.uri) as client:
            await client.publish_event("ponies", "PonyJumped", {"Height": 10})
            async for event in client.stream("ponies"):
                return int(event.json()["Height"])
        raise AssertionError

    assert loop.run(main()) == 10
