from collections.abc import AsyncIterator

import pytest

from rxpump.server import SqliteStore
from rxpump.server.store import re2_search
from tests.server.talk import Talk


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """A client of a server with an empty store in memory, without a socket."""
    store = SqliteStore.in_memory()
    yield Talk(store)
    await store.close()


@pytest.fixture
def without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the server search regular expressions as it does without the extra `regex`."""
    monkeypatch.setattr(re2_search, "IS_INSTALLED", False)
