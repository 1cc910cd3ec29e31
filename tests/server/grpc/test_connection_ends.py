"""Connections and calls that end early: failing handlers and stores, faults of clients, full memory, slow readers."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import Any

import pytest

from rxpump.grpc.http2 import ErrorCode
from rxpump.grpc.http2.frames import PREFACE, settings_frame
from rxpump.grpc.messages import gossip, streams
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server import EmbeddedServer
from rxpump.server.connection_memory import ConnectionMemory
from rxpump.server.grpc import grpc_face, method_table
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.grpc_connection import GrpcConnection
from tests.grpc.harness import connected
from tests.server.grpc.caller import ADMIN, Caller, calling, event, read_request, serving


def failing_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the handler of Gossip.Read raise an error."""

    async def fail(_: Call) -> None:
        raise error

    monkeypatch.setitem(method_table.HANDLERS, gossip.READ.path, fail)


async def until_empty(server: EmbeddedServer) -> None:
    async with asyncio.timeout(10):
        while server.client_count:
            await asyncio.sleep(0.001)


async def test_a_failure_of_a_handler_is_logged(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing_with(monkeypatch, RuntimeError("broken"))
    answer = await caller.ask(gossip.READ, b"")
    assert (answer.code, answer.status.message) == (StatusCode.UNKNOWN, "Exception was thrown by handler.")
    assert "broken" in caplog.text
    assert (await caller.append("s", event())).code is StatusCode.OK


async def test_a_store_that_fails_is_named(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(monkeypatch, sqlite3.OperationalError("disk I/O error"))
    answer = await caller.ask(gossip.READ, b"")
    assert answer.code is StatusCode.INTERNAL
    assert answer.status.message.startswith("The store of the server failed: ")
    assert "disk I/O error" in answer.status.message


class LostSocket(asyncio.Transport):
    """A transport whose socket is lost at the first write, as after a reset by the client."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.writes = 0

    def write(self, data: Any) -> None:
        self.writes += 1

    def is_closing(self) -> bool:
        return self.writes > 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


async def test_nothing_is_written_to_a_lost_socket(server: EmbeddedServer) -> None:
    """asyncio warns about several writes to such a socket, before it calls `connection_lost`."""
    socket = LostSocket()
    connection = GrpcConnection(server._node, lambda _: None, lambda _: None)
    connection.connection_made(socket)
    connection.data_received(PREFACE + settings_frame([]))
    connection.connection_lost(None)
    assert socket.writes == 1


async def test_a_client_that_leaves_ends_its_calls(server: EmbeddedServer) -> None:
    async with calling(server) as caller:
        call = await caller.begin(streams.READ, read_request("s", subscription={}))
        await call.next()
        assert len(server.store.feed._followers) == 1
    await until_empty(server)
    async with asyncio.timeout(10):
        while server.store.feed._followers:
            await asyncio.sleep(0)


async def test_calls_finish_after_a_goaway_of_the_client(server: EmbeddedServer) -> None:
    async with calling(server) as caller:
        call = await caller.open(streams.APPEND)
        caller.endpoint.connection.shut_down()
        caller.endpoint.flush()
        options = {"stream_identifier": {"stream_name": b"s"}, "any": {}}
        await call.send(streams.AppendRequest(options=options))
        await call.send(streams.AppendRequest(proposed_message=event()))
        call.half_close()
        assert (await call.end()).code is StatusCode.OK
        await asyncio.wait_for(caller.endpoint.closed.wait(), 10)


async def test_a_protocol_error_is_answered_with_goaway(
    server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with calling(server) as caller:
            call = await caller.begin(streams.READ, read_request("s", subscription={}))
            await call.next()
            caller.endpoint.transport.write(b"\0\0\0\x04\0\0\0\0\x01")  # SETTINGS on a stream
            await asyncio.wait_for(caller.endpoint.closed.wait(), 10)
            assert [each.code for each in caller.endpoint.goaways] == [ErrorCode.PROTOCOL_ERROR]
    await until_empty(server)
    assert "closing <GrpcConnection" in caplog.text


async def test_clients_without_a_login_share_limited_memory() -> None:
    async with serving() as server:
        server._node.memory = ConnectionMemory(1_000_000)
        async with calling(server) as small, calling(server) as large, calling(server, ADMIN) as known:
            calls = []
            for caller, size in ((known, 4_000_000), (small, 300_000), (large, 800_000)):
                calls.append(call := await caller.open(streams.BATCH_APPEND))
                part = {"proposed_messages": [event(data=bytes(size))]}
                options = {"stream_identifier": {"stream_name": b"s"}, "any": {}}
                first: dict[str, Any] = {"correlation_id": {"string": "00112233-4455-6677-8899-aabbccddeeff"}}
                await call.send(streams.BatchAppendRequest(**first, options=options, **part))
            await asyncio.wait_for(large.endpoint.closed.wait(), 10)
            assert not small.endpoint.closed.is_set()
            assert not known.endpoint.closed.is_set()
            assert server._node.memory.total < 1_000_000


async def test_a_read_waits_for_a_client_that_does_not_read(server: EmbeddedServer, caller: Caller) -> None:
    for _ in range(8):
        await caller.append("s", event(data=bytes(1_000_000)))
    call = await caller.open(streams.READ)
    call.pause()
    await call.send(read_request("s"))
    call.half_close()
    await call.next()
    assert len(call.call.messages) < 8
    call.resume()
    assert len((await call.end()).messages) == 7


async def test_a_stopping_server_cuts_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_face, "_CLOSE_TIMEOUT", 0.05)
    async with serving(insecure=True) as server:
        assert server.grpc_port is not None
        async with connected(server.grpc_port) as endpoint:
            caller = Caller(endpoint)
            for _ in range(16):
                await caller.append("s", event(data=bytes(1_000_000)))
            endpoint.transport.pause_reading()
            await caller.begin(streams.READ, read_request("s"))
            await asyncio.sleep(0.05)
            await asyncio.wait_for(server.stop(), 5)
            assert server.client_count == 0
