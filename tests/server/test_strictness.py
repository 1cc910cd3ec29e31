"""The two kinds of strictness of an embedded server."""

from __future__ import annotations

import pytest

import rxpump
from rxpump.server import EmbeddedServer, SqliteStore, Strictness


@pytest.mark.parametrize(
    ("uri", "held"), [("memory://", 1), ("memory://?strictness=lenient", 1), ("memory://?strictness=real", 2)]
)
async def test_the_connection_string_chooses_the_strictness(uri: str, held: int) -> None:
    event = rxpump.NewEvent("Copied", {})
    async with rxpump.connect(uri) as client:
        for stream in ("a", "b", "a", "b", "a"):
            await client.publish(stream, [event])
        assert len(await client.get("a")) == 1
        assert len(await client.get("b")) == held


@pytest.mark.parametrize(("strictness", "held"), [(Strictness.LENIENT, 1), (Strictness.REAL, 2)])
async def test_a_repeated_commit_follows_the_strictness(strictness: Strictness, held: int) -> None:
    event = rxpump.NewEvent("Copied", {})
    async with (
        EmbeddedServer(SqliteStore.in_memory(), strictness=strictness) as server,
        rxpump.connect(server.uri) as client,
    ):
        await client.publish("a", [event])
        for _ in range(2):
            async with client.transaction("b") as transaction:
                await transaction.write([event])
        assert len(await client.get("b")) == held
