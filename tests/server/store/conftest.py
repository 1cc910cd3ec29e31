"""Fixtures with the kinds of stores that the tests of the store use."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import SqliteStore


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    store = SqliteStore.in_memory() if request.param == "memory" else SqliteStore.open(tmp_path / "events.db")
    yield store
    await store.close()
