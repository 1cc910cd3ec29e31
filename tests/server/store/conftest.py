"""The stores that the contract is run on."""

import pytest

from rxpump.server import SqliteStore


@pytest.fixture(params=["memory", "file"])
async def store(request, tmp_path):
    store = SqliteStore.in_memory() if request.param == "memory" else SqliteStore.open(tmp_path / "events.db")
    yield store
    await store.close()
