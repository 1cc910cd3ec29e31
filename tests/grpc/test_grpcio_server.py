"""A server of grpcio with a test client that uses the state machines of rxpump, over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.harness import ClientEndpoint, connected

SIZES = [0, 1, 5, 100, 16_379, 16_384, 70_000, 1_500_000]
TEXT = "100 % né\n"
BINARY = bytes(range(256))
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Generic(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Methods of a server of grpcio, by name."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = details.method.removeprefix("/test/")
        kind, work = {
            "echo": (grpc.stream_stream_rpc_method_handler, self.echo),
            "count": (grpc.unary_stream_rpc_method_handler, self.count),
            "total": (grpc.stream_unary_rpc_method_handler, self.total),
            "refused": (grpc.unary_unary_rpc_method_handler, self.refused),
            "fails_late": (grpc.unary_stream_rpc_method_handler, self.fails_late),
            "never": (grpc.unary_stream_rpc_method_handler, self.never),
        }.get(name, (None, None))
        return kind(work) if kind else None

    def echo(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        metadata = dict(context.invocation_metadata())
        context.send_initial_metadata((("initial", str(metadata.get("text"))),))
        context.set_trailing_metadata((("back-bin", metadata.get("data-bin", b"")),))
        yield from requests

    def count(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        number, size = map(int, request.split())
        for _ in range(number):
            yield bytes(size)

    def total(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return str(sum(map(len, requests))).encode()

    def refused(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("exception", "not-leader"), ("grpc-status-details-bin", BINARY)))
        context.abort(grpc.StatusCode.NOT_FOUND, TEXT)
        raise AssertionError

    def fails_late(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b"first"
        context.abort(grpc.StatusCode.ABORTED, TEXT)

    def never(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        context.add_callback(lambda: self.loop.call_soon_threadsafe(self.cancelled.set))
        yield b"started"
        while context.is_active():
            context.time_remaining()
            yield b"still"


class GrpcioServer:
    """A server of grpcio on a free port."""

    def __init__(self, **options: Any) -> None:
        self.handler = Generic()
        self.pool = ThreadPoolExecutor(4)
        self.server = grpc.server(self.pool, options=UNLIMITED, **options)
        self.server.add_generic_rpc_handlers((self.handler,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()


@pytest.fixture
async def theirs() -> AsyncIterator[GrpcioServer]:
    running = GrpcioServer()
    yield running
    await asyncio.to_thread(running.server.stop(None).wait)
    running.pool.shutdown()


@pytest.fixture
async def client(theirs: GrpcioServer) -> AsyncIterator[ClientEndpoint]:
    async with connected(theirs.port) as endpoint:
        yield endpoint


@pytest.mark.parametrize("size", SIZES)
async def test_our_client_makes_unary_calls(client: ClientEndpoint, size: int) -> None:
    call = await client.unary("/test/total", bytes(size))
    assert call.messages == [str(size).encode()]
    assert (call.response.status, client.connection.open_streams) == (CallStatus(StatusCode.OK), 0)


async def test_our_client_gets_metadata(client: ClientEndpoint) -> None:
    call = await client.unary("/test/echo", b"x", (("text", "a b"), ("data-bin", BINARY)))
    assert dict(call.response.metadata)["initial"] == "a b"
    assert dict((await call.status()).metadata)["back-bin"] == BINARY


async def test_our_client_sends_and_reads_streams(client: ClientEndpoint) -> None:
    call = client.call("/test/echo")
    for size in SIZES:
        await call.send(bytes(size))
    call.end()
    assert (await call.status()).code is StatusCode.OK
    assert [len(message) for message in call.messages] == SIZES


async def test_our_client_makes_many_calls_at_once(client: ClientEndpoint) -> None:
    calls = await asyncio.gather(*(client.unary("/test/total", bytes(number)) for number in range(50)))
    assert [call.messages for call in calls] == [[str(number).encode()] for number in range(50)]


async def test_our_client_gets_errors(client: ClientEndpoint) -> None:
    refusal = await (await client.unary("/test/refused", b"")).status()
    assert (refusal.code, refusal.message) == (StatusCode.NOT_FOUND, TEXT)
    assert dict(refusal.metadata)["exception"] == "not-leader"
    assert dict(refusal.metadata)["grpc-status-details-bin"] == BINARY
    late = await client.unary("/test/fails_late", b"")
    assert late.messages == [b"first"]
    assert (await late.status()).code is StatusCode.ABORTED
    assert (await (await client.unary("/test/unknown", b"")).status()).code is StatusCode.UNIMPLEMENTED


async def test_the_server_ends_our_call_at_its_deadline(client: ClientEndpoint) -> None:
    call = client.call("/test/never", timeout=0.1)
    await call.send(b"")
    call.end()
    assert (await call.status()).code in (StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED)


async def test_our_client_cancels(client: ClientEndpoint, theirs: GrpcioServer) -> None:
    call = client.call("/test/never")
    await call.send(b"")
    call.end()
    await call.until(lambda: bool(call.messages))
    call.cancel()
    await theirs.handler.cancelled.wait()
    assert (await client.unary("/test/total", b"abc")).messages == [b"3"]


async def test_a_paused_call_does_not_pause_other_calls(theirs: GrpcioServer) -> None:
    limits = Http2Limits(stream_window=100_000, connection_window=150_000)
    async with connected(theirs.port, limits) as client:
        paused = client.call("/test/count")
        paused.is_paused = True
        await paused.send(b"3000 1000")
        paused.end()
        other = await client.unary("/test/count", b"2000 1000")
        assert len(other.messages) == 2000
        await paused.until(lambda: paused.unacknowledged > 99_000)
        assert paused.unacknowledged <= 100_000
        paused.resume()
        client.flush()
        assert (await paused.status()).code is StatusCode.OK
        assert len(paused.messages) == 3000


async def test_a_server_that_would_compress_sends_us_plain_messages() -> None:
    theirs = GrpcioServer(compression=grpc.Compression.Gzip)
    try:
        async with connected(theirs.port) as client:
            call = await client.unary("/test/count", b"3 1000")
            assert call.messages == [bytes(1000)] * 3
    finally:
        await asyncio.to_thread(theirs.server.stop(None).wait)
        theirs.pool.shutdown()


async def test_its_goaway_lets_our_call_finish(client: ClientEndpoint, theirs: GrpcioServer) -> None:
    call = client.call("/test/echo")
    await call.send(b"abc")
    await call.until(lambda: bool(call.messages))
    stopped = theirs.server.stop(grace=20)
    await call.until(lambda: len(client.goaways) == 2)
    assert [event.last_stream_id for event in client.goaways] == [2**31 - 1, 1]
    assert not client.connection.may_open
    await call.send(b"de")
    call.end()
    assert (await call.status()).code is StatusCode.OK
    assert call.messages == [b"abc", b"de"]
    await asyncio.to_thread(stopped.wait)
