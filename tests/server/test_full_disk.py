"""A full disk: writes fail with the reason, one line is logged, and writes succeed when there is space again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump import Client
from rxpump.errors import ServerFailed
from rxpump.server import EmbeddedServer, SqliteStore
from tests.server.store.driving import fill, make_room


@pytest.fixture(params=["memory", "file"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    store = SqliteStore.in_memory() if request.param == "memory" else SqliteStore.open(tmp_path / "events.db")
    async with EmbeddedServer(store) as server:
        yield server


LARGE = {"x": "y" * 200_000}


@pytest.mark.parametrize(
    "change",
    [
        lambda client: client.publish_event("s", "Large", data=LARGE),
        lambda client: client.set_metadata("s", custom=LARGE),
        lambda client: _transact(client),
    ],
)
async def test_every_kind_of_write_fails_with_the_reason(
    server: EmbeddedServer, change: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The timeout is longer than a test can take, so the error is the reply of the server, which is not retried."""
    async with rxpump.connect(server.uri, username="admin", password="changeit", timeout=600) as client:
        await client.publish_event("s", "Small")
        fill(server.store)
        for _ in range(3):
            with pytest.raises(ServerFailed, match="the disk is full") as caught:
                await change(client)
            assert caught.value.reason == "the disk is full (database or disk is full)"
        logged = [record for record in caplog.records if record.levelname == "ERROR"]
        assert [(record.exc_info, "the disk is full" in record.getMessage()) for record in logged] == [(None, True)]
        assert len(await client.get("s")) == 1
        make_room(server.store)
        await change(client)


async def _transact(client: Client) -> None:
    async with client.transaction("s") as transaction:
        await transaction.write([rxpump.NewEvent("Large", LARGE)])
