"""The transports that the suite runs against.

To add a transport to the suite, write a function that yields a Store with it, and add an entry to TRANSPORTS.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from reactivex.subject import BehaviorSubject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.client import Client
from rxpump.grpc.dialer import Dialer, Node
from rxpump.grpc.nodes import OneNode
from rxpump.grpc.transport import GrpcTransport
from rxpump.model.credentials import Credentials
from rxpump.model.status import Idle, Reconnecting, Status
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.transport import TcpTransport
from rxpump.testing import MockTransport, mock_client
from rxpump.testing.proxy import Proxy
from rxpump.uri import TcpAddress
from tests.contract.stores import SETTINGS, USERS, Store


class MockStore(Store):
    """The mock transport, which connects again as soon as its connection is lost."""

    def __init__(self) -> None:
        self.transport = self._mock = MockTransport(settings=SETTINGS, users=USERS)
        self.client = mock_client(self._mock, settings=SETTINGS)
        self.client.status.subscribe(self._on_status)

    def _on_status(self, status: Status) -> None:
        if isinstance(status, Reconnecting):
            asyncio.get_running_loop().call_soon(self._mock.restore_connection)

    def lose_connection(self) -> None:
        self._mock.lose_connection()

    def lose_reply(self) -> None:
        self._mock.lose_reply()


class TcpStore(Store):
    """The TCP transport, connected to an embedded server through a proxy."""

    def __init__(self, proxy: Proxy) -> None:
        status: BehaviorSubject[Status] = BehaviorSubject(Idle())
        address = FixedAddress(TcpAddress("127.0.0.1", proxy.port, Credentials("admin", USERS["admin"])))
        self.transport = TcpTransport(address, SETTINGS, BackgroundTasks("contract"), status.on_next)
        self.client = Client(SETTINGS, self.transport, status)
        self._proxy = proxy

    def lose_connection(self) -> None:
        self._proxy.cut()

    def lose_reply(self) -> None:
        self._proxy.lose_reply()


@asynccontextmanager
async def mock_store() -> AsyncIterator[Store]:
    store = MockStore()
    async with store.client:
        yield store


@asynccontextmanager
async def tcp_store() -> AsyncIterator[Store]:
    async with EmbeddedServer(SqliteStore.in_memory()) as server, Proxy(server.port) as proxy:
        store = TcpStore(proxy)
        async with store.client:
            yield store


class GrpcStore(Store):
    """The gRPC transport, connected to an embedded server through a proxy."""

    holds_back = True
    hides_ends = True

    def __init__(self, proxy: Proxy) -> None:
        status: BehaviorSubject[Status] = BehaviorSubject(Idle())
        dialer = Dialer(SETTINGS, Credentials("admin", USERS["admin"]), sends_in_clear=True)
        node = OneNode(Node("127.0.0.1", proxy.port), SETTINGS)
        self.transport = GrpcTransport(node, dialer, SETTINGS, BackgroundTasks("contract"), status.on_next)
        self.client = Client(SETTINGS, self.transport, status)
        self._proxy = proxy

    def lose_connection(self) -> None:
        self._proxy.cut()

    def lose_reply(self) -> None:
        self._proxy.lose_reply()


@asynccontextmanager
async def grpc_store() -> AsyncIterator[Store]:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0) as server, Proxy(server.grpc_port or 0) as proxy:
        store = GrpcStore(proxy)
        async with store.client:
            yield store


TRANSPORTS: dict[str, Callable[[], AbstractAsyncContextManager[Store]]] = {
    "mock": mock_store,
    "tcp": tcp_store,
    "grpc": grpc_store,
}


@pytest.fixture(params=TRANSPORTS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty event store with a connected client."""
    async with TRANSPORTS[request.param]() as made:
        yield made
