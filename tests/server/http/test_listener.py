"""The HTTP listener: valid, invalid and slow clients."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import CannotListen, EmbeddedServer, SqliteStore
from rxpump.server.http import listener
from rxpump.server.http.listener import Addresses, HttpListener
from rxpump.server.http.request import HttpRequest
from rxpump.server.http.response import HttpResponse


@pytest.fixture
async def server() -> AsyncIterator[Any]:
    async with EmbeddedServer(SqliteStore.in_memory(), http_port=0) as server:
        yield server


async def get(
    server: EmbeddedServer, target: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send a request with the client of the standard library; return status, headers and body."""

    def ask() -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=120)
        try:
            connection.request(method, target, headers=headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


@asynccontextmanager
async def connected(port: int | None) -> AsyncIterator[Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(port: int | None, *parts: bytes) -> bytes:
    """Return everything that the server sends in reply to bytes before it closes the connection."""
    async with connected(port) as (reader, writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
        answer: bytes = await reader.read()
        return answer


@pytest.mark.parametrize("target", ["/gossip", "/gossip?format=json", "/info", "/stats", "/ping"])
async def test_existing_resources_are_served(server: EmbeddedServer, target: str) -> None:
    status, headers, body = await get(server, target, Accept="application/json")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cache-Control"] == "max-age=0, no-cache, must-revalidate"
    assert json.loads(body)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/", 404), ("GET", "/streams/s", 404), ("POST", "/gossip", 405), ("HEAD", "/info", 405)],
)
async def test_an_unknown_path_is_not_found(server: EmbeddedServer, method: str, target: str, status: int) -> None:
    got, headers, _ = await get(server, target, method)
    assert (got, headers.get("Allow")) == (status, "GET" if status == 405 else None)


async def test_formats_other_than_json_are_not_acceptable(server: EmbeddedServer) -> None:
    assert (await get(server, "/gossip", Accept="text/xml"))[0] == 406
    assert (await get(server, "/gossip?format=xml"))[0] == 406


async def test_a_running_server_is_live(server: EmbeddedServer) -> None:
    """Real servers have this resource since 20.6."""
    answer = await exchange(server.http_port, b"GET /health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (head.startswith(b"HTTP/1.1 204 No Content\r\n"), b"Content-Length" in head, body) == (True, False, b"")


async def test_grpc_needs_http_2(server: EmbeddedServer) -> None:
    head = (
        b"POST /event_store.client.gossip.Gossip/Read HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc+proto\r\n"
    )
    answer = await exchange(server.http_port, head + b"Content-Length: 5\r\n\r\n\0\0\0\0\0")
    assert answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nUpgrade: HTTP/2\r\n" in answer
    assert b"gRPC needs HTTP/2" in answer


async def test_pipelined_requests_are_answered_on_one_connection(server: EmbeddedServer) -> None:
    one = b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answers = await exchange(server.http_port, one[:7], one[7:] + one + last, one)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"404"]


SENSELESS = [
    b"\x16\x03\x01\x02\x00\r\n\r\n",
    b"GET /info HTTP/1.1\r\n\r\n",
    b"POST /info HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
]


@pytest.mark.parametrize("head", SENSELESS)
async def test_an_invalid_request_closes_the_connection(server: EmbeddedServer, head: bytes) -> None:
    answer = await exchange(server.http_port, head)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nConnection: close\r\n" in answer


async def test_an_endless_head_is_refused(server: EmbeddedServer) -> None:
    answer = await exchange(server.http_port, b"GET /info HTTP/1.1\r\nHost: h\r\n", b"A: b\r\n" * 5000)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_slow_client_is_disconnected() -> None:
    http = HttpListener("127.0.0.1", 0, lambda request, local: HttpResponse(HTTPStatus.OK, b""), request_timeout=0.02)
    await http.start()
    assert await exchange(http.port, b"GET /info HTTP/1.1\r\n") == b""
    await http.stop()


async def test_the_number_of_connections_is_limited(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 1)
    async with connected(server.http_port) as (reader, writer):
        writer.write(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
        answer = b""
        with suppress(ConnectionResetError):
            answer = await exchange(server.http_port, b"GET /ping HTTP/1.0\r\n\r\n")
        assert answer == b""
    assert server._http is not None
    while server._http._connections:
        await asyncio.wait(server._http._connections)
    assert await exchange(server.http_port, b"GET /ping HTTP/1.0\r\n\r\n")


async def test_an_internal_error_has_a_response(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: HttpRequest, local: Addresses) -> HttpResponse:
        raise ZeroDivisionError

    http = HttpListener("127.0.0.1", 0, fail)
    await http.start()
    request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert b"HTTP/1.1 500 " in await exchange(http.port, request)
    assert "ZeroDivisionError" in caplog.text
    await http.stop()


async def test_stopping_closes_the_connections(server: EmbeddedServer) -> None:
    async with connected(server.http_port) as (reader, _):
        await get(server, "/ping")
        await server.stop()
        assert await reader.read() == b""
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", server.http_port)


async def test_a_port_in_use_is_an_error_and_releases_everything(server: EmbeddedServer, tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    second = EmbeddedServer(store, http_port=server.http_port)
    with pytest.raises(CannotListen, match=f":{server.http_port}"):
        await second.start()
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", second.port)
    await SqliteStore.open(tmp_path / "events.db").close()


async def test_http_is_off_by_default(memory_server: EmbeddedServer) -> None:
    assert memory_server.http_port is None


async def test_concurrent_starts_share_one_listener(memory_server: EmbeddedServer) -> None:
    ports = await asyncio.gather(*(memory_server.start_http() for _ in range(5)))
    assert set(ports) == {memory_server.http_port}
    status, _, _ = await get(memory_server, "/ping")
    assert status == 200


async def test_a_connection_that_stop_cuts_at_once_is_closed() -> None:
    closed: list[bool] = []

    class Writer:
        def get_extra_info(self, name: str) -> tuple[str, int]:
            return "127.0.0.1", 1

        def close(self) -> None:
            closed.append(True)

    accepting = HttpListener(
        "127.0.0.1", 0, lambda request, addresses: HttpResponse(HTTPStatus.OK, b"", "text/plain")
    )
    await accepting.start()
    writer: Any = Writer()
    accepting._accept(asyncio.StreamReader(), writer)
    await accepting.stop()  # The task of the connection has not started yet.
    assert closed == [True]
