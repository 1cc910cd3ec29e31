import pytest

from rxpump.server import SqliteStore
from tests.server.persistent.clients import Consuming


@pytest.fixture
async def client():
    """A client of an empty server."""
    one = Consuming(SqliteStore.in_memory())
    yield one
    await one.node.close()


@pytest.fixture
async def other(client):
    """A second client of the same server."""
    return Consuming.beside(client)
