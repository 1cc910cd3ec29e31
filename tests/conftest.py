"""Fixtures that more than one floor's tests need."""

from collections.abc import AsyncIterator

import pytest

from rxpump.server import EmbeddedServer, SqliteStore


@pytest.fixture
async def memory_server() -> AsyncIterator[EmbeddedServer]:
    """A running server whose store is empty and in memory; `memory_server.uri` is where."""
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        yield server
