"""Fixtures that more than one floor's tests need."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from rxpump.server import EmbeddedServer, SqliteStore

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("rxpump", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rxpump")


@pytest.fixture
async def memory_server() -> AsyncIterator[EmbeddedServer]:
    """A running server whose store is empty and in memory; `memory_server.uri` is where."""
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        yield server
