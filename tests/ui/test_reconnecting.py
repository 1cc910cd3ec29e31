"""The event store stops and starts again: the page shows this, and continues without a gap."""

from __future__ import annotations

from pathlib import Path

import pytest

import rxpump
from rxpump import NewEvent
from rxpump.server import EmbeddedServer, SqliteStore
from tests.ui.harness import Message, page, until


class Restarted:
    """A server that can be stopped and started again, with the same events on the same ports."""

    def __init__(self, path: Path) -> None:
        self._path = str(path / "events.db")
        self._ports: tuple[int, int] = (0, 0)

    async def start(self) -> None:
        port, grpc_port = self._ports
        self._server = EmbeddedServer(SqliteStore.open(self._path), port=port, grpc_port=grpc_port, insecure=True)
        await self._server.start()
        self._ports = self._server.port, self._server.grpc_port or 0

    async def stop(self) -> None:
        await self._server.stop()

    def uri(self, scheme: str) -> str:
        uri = self._server.grpc_uri if scheme == "kurrentdb" else self._server.uri
        assert uri is not None
        return uri


def numbers(messages: list[Message]) -> list[int]:
    return [event["number"] for message in messages if message.event == "events" for event in message.data]


@pytest.mark.parametrize("query", [{"stream": "ponies"}, {"all": "1", "types": "T"}])
@pytest.mark.parametrize("scheme", ["tcp", "kurrentdb"])
async def test_a_server_that_comes_back_is_followed_without_a_gap(
    scheme: str, query: dict[str, str], tmp_path: Path
) -> None:
    restarted = Restarted(tmp_path)
    await restarted.start()
    uri = restarted.uri(scheme)
    try:
        async with rxpump.connect(uri) as client, page(client, uri=uri) as browser:
            async with browser.messages("/api/live", **query) as messages:
                await until(messages, "caught_up")
                await client.publish("ponies", [NewEvent("T"), NewEvent("T")])
                seen = await until(messages, "events")
                await restarted.stop()
                away = await until(messages, "fell_behind")
                states = [each.data["state"] for each in away if each.event == "state"]
                if "reconnecting" not in states:
                    states += [each.data["state"] for each in await until(messages, "state")]
                assert "reconnecting" in states
                await restarted.start()
                async with rxpump.connect(uri) as other:
                    await other.publish("ponies", [NewEvent("T"), NewEvent("T")])
                seen += await until(messages, "caught_up")
                while len(numbers(seen)) < 4:
                    seen += await until(messages, "events")
            assert numbers(seen) == [0, 1, 2, 3]
    finally:
        await restarted.stop()


@pytest.mark.parametrize("path", ["/api/live?all=1", "/api/live?stream=ponies", "/api/server/live"])
async def test_a_browser_that_comes_while_the_server_is_away_waits(path: str, tmp_path: Path) -> None:
    restarted = Restarted(tmp_path)
    await restarted.start()
    uri = restarted.uri("tcp")
    try:
        async with rxpump.connect(uri, timeout=0.5) as client, page(client, uri=uri) as browser:
            await client.publish_event("ponies", "T")
            await restarted.stop()
            error = await browser.error(504, "/api/streams")
            assert (error["kind"], error["retryable"]) == ("OperationTimedOut", True)
            async with browser.messages(path) as messages:
                (state,) = await until(messages, "state")
                assert state.data["state"] in ("reconnecting", "connecting")
                await restarted.start()
                there = await until(messages, "sample" if "server" in path else "caught_up")
            assert "connected" in [each.data["state"] for each in there if each.event == "state"]
    finally:
        await restarted.stop()
