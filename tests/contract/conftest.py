from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.stores import STORES, Store


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty event store with a connected client."""
    async with STORES[request.param]() as made:
        yield made
