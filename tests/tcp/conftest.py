from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.model.credentials import Credentials
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.transport import TcpTransport
from tests.tcp.scripted_server import ScriptedServer

QUICK = Settings(reconnect=Backoff(min_delay=0.001, max_delay=0.004), retry=Backoff(min_delay=0.001, max_delay=0.004))
"""Settings with which a client reconnects and retries almost at once. The other settings have their defaults."""


class Client(TcpTransport):
    """A transport that records its statuses."""

    def __init__(self, resolver: Any, settings: Settings) -> None:
        self.statuses: list[Status] = []
        self._news = asyncio.Event()
        super().__init__(resolver, settings, BackgroundTasks("test"), self._note)

    def _note(self, status: Status) -> None:
        self.statuses.append(status)
        self._news.set()

    async def until(self, kind: type[Any]) -> Any:
        """Wait until the current status is an instance of `kind`."""
        while not self.statuses or not isinstance(self.statuses[-1], kind):
            self._news.clear()
            await self._news.wait()
        return self.statuses[-1]


MakeClient = Callable[..., Client]


@pytest.fixture
async def client_of() -> AsyncIterator[MakeClient]:
    """Function that creates clients of a server. They are closed after the test, and must leave no tasks behind."""
    clients: list[Client] = []

    def make(server: Any, credentials: Credentials | None = None, **settings: Any) -> Client:
        resolver = (
            FixedAddress(replace(server.address, credentials=credentials))
            if isinstance(server, ScriptedServer)
            else server
        )
        clients.append(Client(resolver, replace(QUICK, **settings)))
        return clients[-1]

    before = asyncio.all_tasks()
    yield make
    for client in clients:
        await client.close()
        assert client.runtime.tasks == frozenset()
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the delays before a refusal is regarded as final, and before retries."""
    monkeypatch.setattr("rxpump.tcp.refusals.STARTING_SECONDS", 0.0)
    monkeypatch.setattr("rxpump.network.reconnector.REFUSED_PAUSE", 0.0)
