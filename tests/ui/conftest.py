"""A store and its page, over both protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import rxpump
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.ui.context import Options
from tests.ui.harness import Browser, page


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    """A server in which everyone may do everything."""
    async with EmbeddedServer(SqliteStore.in_memory(), insecure=True, grpc_port=0, http_port=0) as server:
        yield server


@pytest.fixture(params=["tcp", "kurrentdb"])
def uri(request: pytest.FixtureRequest, server: EmbeddedServer) -> str:
    """The connection string of the server over each protocol."""
    over_grpc = server.grpc_uri
    assert over_grpc is not None
    return over_grpc if request.param == "kurrentdb" else f"{server.uri}?http_port={server.http_port}"


@pytest.fixture
async def client(uri: str) -> AsyncIterator[rxpump.Client]:
    """A connected client."""
    async with rxpump.connect(uri) as client:
        yield client


@pytest.fixture
async def browser(client: rxpump.Client, uri: str) -> AsyncIterator[Browser]:
    """A browser of a page that cannot write."""
    async with page(client, uri=uri) as browser:
        yield browser


@pytest.fixture
async def writer(client: rxpump.Client, uri: str) -> AsyncIterator[Browser]:
    """A browser of a page that can write."""
    async with page(client, Options(writable=True), uri=uri) as browser:
        yield browser
