import asyncio
from collections.abc import AsyncIterator

import pytest

from rxpump.server import SqliteStore
from tests.server.groups.clients import GroupTalk


@pytest.fixture
async def client() -> AsyncIterator[GroupTalk]:
    """A client of an empty server. The test fails if a task of the event loop raises."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    one = GroupTalk(SqliteStore.in_memory())
    yield one
    await one.node.close()
    assert faults == []


@pytest.fixture
async def other(client: GroupTalk) -> GroupTalk:
    """A second client of the same server."""
    return GroupTalk.beside(client)
