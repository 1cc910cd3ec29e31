"""A client of grpcio with a test server that uses the state machines of rxpump, over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.harness import Handler, Server, ServerCall, serving

SIZES = [0, 1, 5, 100, 16_379, 16_384, 70_000, 1_500_000]
TEXT = "100 % né\n"
BINARY = bytes(range(256))
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


async def echo(call: ServerCall) -> None:
    """Answer each message at once."""
    sent = dict(call.request.metadata)
    call.start([("initial", str(sent.get("text", "none")))])
    async for message in call:
        await call.send(message)
    call.finish(CallStatus(StatusCode.OK, "", (("back-bin", sent.get("data-bin", b"")),)))


async def count(call: ServerCall) -> None:
    """Answer with as many messages as the request says."""
    number = int(await anext(call))
    call.start()
    for size in range(number):
        await call.send(bytes(size % 1000))
    call.finish()


async def large(call: ServerCall) -> None:
    await anext(call)
    call.start()
    for size in SIZES:
        await call.send(bytes(size))
    call.finish()


async def total(call: ServerCall) -> None:
    """Add up the sizes of all messages."""
    received = [len(message) async for message in call]
    call.start()
    await call.send(str(sum(received)).encode())
    call.finish()


async def refused(call: ServerCall) -> None:
    call.refuse(
        CallStatus(StatusCode.NOT_FOUND, TEXT, (("exception", "not-leader"), ("grpc-status-details-bin", BINARY)))
    )


async def fails_late(call: ServerCall) -> None:
    call.start()
    await call.send(b"first")
    call.finish(CallStatus(StatusCode.ABORTED, TEXT, (("exception", "late"),)))


async def never(call: ServerCall) -> None:
    await asyncio.Event().wait()


HANDLERS: dict[str, Handler] = {
    f"/test/{handler.__name__}": handler for handler in (echo, count, large, total, refused, fails_late, never)
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(HANDLERS) as running:
        yield running


@contextmanager
def channel_to(port: int, **options: Any) -> Iterator[grpc.Channel]:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=UNLIMITED, **options)
    try:
        yield channel
    finally:
        channel.close()


def in_thread(port: int, work: Callable[[grpc.Channel], Any], **options: Any) -> Any:
    """Let grpcio work in a thread, because its client blocks."""

    def run() -> Any:
        with channel_to(port, **options) as channel:
            return work(channel)

    return asyncio.to_thread(run)


async def test_its_client_makes_unary_calls(server: Server) -> None:
    def work(channel: grpc.Channel) -> list[int]:
        return [len(channel.unary_unary("/test/echo")(bytes(size))) for size in SIZES]

    assert await in_thread(server.port, work) == SIZES
    assert len(server.endpoints) == 1


async def test_its_client_gets_metadata(server: Server) -> None:
    def work(channel: grpc.Channel) -> tuple[dict[str, Any], dict[str, Any]]:
        metadata = (("text", "a b"), ("data-bin", BINARY))
        _, call = channel.unary_unary("/test/echo").with_call(b"x", metadata=metadata)
        return dict(call.initial_metadata()), dict(call.trailing_metadata())

    initial, trailing = await in_thread(server.port, work)
    assert (initial["initial"], trailing["back-bin"]) == ("a b", BINARY)


@pytest.mark.parametrize("number", [0, 1, 5000])
async def test_its_client_reads_streams(server: Server, number: int) -> None:
    def work(channel: grpc.Channel) -> list[int]:
        return [len(each) for each in channel.unary_stream("/test/count")(str(number).encode())]

    assert await in_thread(server.port, work) == [size % 1000 for size in range(number)]


async def test_its_client_reads_messages_of_any_size(server: Server) -> None:
    def work(channel: grpc.Channel) -> list[int]:
        return [len(each) for each in channel.unary_stream("/test/large")(b"")]

    assert await in_thread(server.port, work) == SIZES


async def test_its_client_sends_streams(server: Server) -> None:
    def work(channel: grpc.Channel) -> tuple[bytes, list[int]]:
        added = channel.stream_unary("/test/total")(bytes(size) for size in SIZES)
        echoed = [len(each) for each in channel.stream_stream("/test/echo")(bytes(size) for size in SIZES)]
        return added, echoed

    assert await in_thread(server.port, work) == (str(sum(SIZES)).encode(), SIZES)


async def test_its_client_compresses_requests(server: Server) -> None:
    def work(channel: grpc.Channel) -> object:
        return channel.unary_unary("/test/total")(bytes(100_000))

    assert await in_thread(server.port, work, compression=grpc.Compression.Gzip) == b"100000"


@pytest.mark.parametrize("method", ["refused", "fails_late", "unknown"])
async def test_its_client_gets_errors(server: Server, method: str) -> None:
    def work(channel: grpc.Channel) -> tuple[list[bytes], grpc.RpcError]:
        messages: list[bytes] = []
        try:
            messages.extend(channel.unary_stream(f"/test/{method}")(b""))
        except grpc.RpcError as error:
            return messages, error
        raise AssertionError("no error")

    messages, error = await in_thread(server.port, work)
    code, exception, details = {
        "refused": (grpc.StatusCode.NOT_FOUND, "not-leader", BINARY),
        "fails_late": (grpc.StatusCode.ABORTED, "late", None),
        "unknown": (grpc.StatusCode.UNIMPLEMENTED, None, None),
    }[method]
    metadata = dict(error.trailing_metadata())
    assert (error.code(), metadata.get("exception")) == (code, exception)
    assert metadata.get("grpc-status-details-bin") == details
    assert error.details() == ("Method is unimplemented." if method == "unknown" else TEXT)
    assert messages == ([b"first"] if method == "fails_late" else [])


async def test_its_client_gives_up_after_its_deadline(server: Server) -> None:
    def work(channel: grpc.Channel) -> grpc.StatusCode:
        channel.unary_unary("/test/echo")(b"to connect")
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/test/never")(b"", timeout=0.5)
        return caught.value.code()

    assert await in_thread(server.port, work) is grpc.StatusCode.DEADLINE_EXCEEDED
    timeouts = [call.request.timeout for call in server.calls if call.request.path == "/test/never"]
    assert all(timeout is not None and 0 < timeout < 0.6 for timeout in timeouts)


async def test_its_client_cancels(server: Server) -> None:
    def work(channel: grpc.Channel) -> object:
        running = channel.unary_stream("/test/count")(b"1000000")
        next(running)
        running.cancel()
        return channel.unary_unary("/test/echo")(b"goes on")

    assert await in_thread(server.port, work) == b"goes on"
    cancelled, echoed = server.calls
    assert cancelled.reset is not None
    assert echoed.reset is None
    assert server.endpoints[0].connection.buffered_bytes == 0


async def test_its_client_makes_more_calls_than_allowed() -> None:
    def work(channel: grpc.Channel) -> list[bytes]:
        calls = [channel.unary_unary("/test/echo").future(str(number).encode()) for number in range(300)]
        return [call.result() for call in calls]

    async with serving(HANDLERS, Http2Limits(max_concurrent_streams=10)) as server:
        assert await in_thread(server.port, work) == [str(number).encode() for number in range(300)]


async def test_its_client_connects_again_after_goaway(server: Server) -> None:
    shut_down = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(channel: grpc.Channel) -> tuple[list[int], bytes]:
        running = channel.unary_stream("/test/count")(b"2000")
        first = len(next(running))
        loop.call_soon_threadsafe(shut_down.set)
        sizes = [first, *(len(each) for each in running)]
        return sizes, channel.unary_unary("/test/echo")(b"again", wait_for_ready=True)

    working = asyncio.ensure_future(in_thread(server.port, work))
    await shut_down.wait()
    server.endpoints[0].connection.shut_down()
    server.endpoints[0].flush()
    assert await working == ([size % 1000 for size in range(2000)], b"again")
    assert len(server.endpoints) == 2
