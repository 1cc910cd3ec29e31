from collections.abc import AsyncIterator

import pytest

from rxpump.server import SqliteStore
from rxpump.server.store import re2_search
from tests.server.talk import Talk


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """A client's conversation with an empty store in memory."""
    store = SqliteStore.in_memory()
    yield Talk(store)
    await store.close()


@pytest.fixture
def without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search regular expressions as a server without the extra `regex` does."""
    monkeypatch.setattr(re2_search, "IS_INSTALLED", False)
