from collections.abc import AsyncIterator

import pytest

from rxpump.server import SqliteStore
from tests.server.talk import Talk


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """A client's conversation with an empty store in memory."""
    store = SqliteStore.in_memory()
    yield Talk(store)
    await store.close()
