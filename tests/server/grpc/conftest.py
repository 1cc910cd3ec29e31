from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rxpump.server import EmbeddedServer
from tests.server.grpc.caller import Caller, calling, serving


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    """An insecure server with an empty store in memory."""
    async with serving(insecure=True) as server:
        yield server


@pytest.fixture
async def caller(server: EmbeddedServer) -> AsyncIterator[Caller]:
    """A client of the server."""
    async with calling(server) as caller:
        yield caller
