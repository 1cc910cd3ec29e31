"""Servers whose first frames permit no call."""

from __future__ import annotations

import asyncio

import pytest

import rxpump
from rxpump.errors import ConnectionFailed
from rxpump.grpc.http2 import ErrorCode, frames
from rxpump.grpc.http2.frames import FrameType, Setting
from rxpump.model.status import Reconnecting, Status
from tests.certificates import authority_file, certified
from tests.grpc import harness
from tests.grpc.clients import QUICK, handlers
from tests.grpc.harness import ServerEndpoint, serving
from tests.listening import listening

SETTINGS = frames.frame(FrameType.SETTINGS, 0, 0)


def allowing(streams: int) -> bytes:
    """Return a SETTINGS frame that allows a number of streams."""
    payload = Setting.MAX_CONCURRENT_STREAMS.to_bytes(2, "big") + streams.to_bytes(4, "big")
    return frames.frame(FrameType.SETTINGS, 0, 0, payload)


class Hesitant(ServerEndpoint):
    """A connection on which the client can open no stream at first."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.bytes_to_send()  # It would allow streams.
        super().connection_made(transport)
        self.transport.write(allowing(0))
        self.has_client = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.has_client = True  # The client has also read the first frames, and acknowledges them.


async def shut_down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce the shutdown of a connection together with the first frame."""
    writer.write(SETTINGS + frames.goaway(2**31 - 1, ErrorCode.NO_ERROR))
    await reader.read()


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_a_server_that_shuts_down_at_once_is_connected_to_again(is_encrypted: bool) -> None:
    tls = certified("127.0.0.1") if is_encrypted else None
    if tls is not None:
        tls.set_alpn_protocols(["h2"])
    with authority_file() as ca:
        async with listening(shut_down, tls) as server:
            options = f"tlsCaFile={ca}" if is_encrypted else "tls=false"
            uri = f"kurrentdb://127.0.0.1:{server.port}?{options}"
            client = rxpump.connect(uri, reconnect=QUICK, connect_within=0.5)
            statuses: list[Status] = []
            client.status.subscribe(statuses.append)
            with pytest.raises(ConnectionFailed, match="the server shuts the connection down"):
                await client.connect()
    assert len([status for status in statuses if isinstance(status, Reconnecting)]) > 1


async def test_a_server_that_allows_no_calls_at_first_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "ServerEndpoint", Hesitant)
    async with serving(handlers()) as server:
        client = rxpump.connect(f"kurrentdb://127.0.0.1:{server.port}?tls=false")
        connecting = asyncio.ensure_future(client.connect())
        while not any(isinstance(each, Hesitant) and each.has_client for each in server.endpoints):
            await asyncio.sleep(0)
        server.endpoints[0].transport.write(allowing(100))
        await asyncio.wait_for(connecting, 5)
        assert len(server.endpoints) == 1
        await client.close()


async def test_a_server_that_allows_no_calls_is_connected_to_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "ServerEndpoint", Hesitant)
    async with serving(handlers()) as server:
        options = "tls=false&connect_timeout=0.05"
        client = rxpump.connect(f"kurrentdb://127.0.0.1:{server.port}?{options}", reconnect=QUICK)
        connecting = asyncio.ensure_future(client.connect())
        while len(server.endpoints) < 2:
            await asyncio.sleep(0)
        monkeypatch.undo()
        await asyncio.wait_for(connecting, 5)
        await client.close()
