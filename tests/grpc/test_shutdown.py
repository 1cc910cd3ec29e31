"""Servers that shut down as real ones do: they announce it, leave their calls without an answer, and close later."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import ConnectionClosed, RequestInterrupted
from rxpump.grpc import connection
from rxpump.grpc.calls.delete import delete
from rxpump.grpc.calls.groups import delete_group
from rxpump.grpc.messages import persistent_subscriptions, streams
from rxpump.grpc.reads.reading import StreamReading
from rxpump.model.positions import StreamDirection
from tests.grpc.clients import calling, handlers
from tests.grpc.harness import Server, ServerCall, ServerEndpoint, serving
from tests.grpc.reads.read_server import WAIT, event, in_turn, reading_from


@pytest.fixture
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENT_SECONDS", 0.05)


def announce_shutdown(server: Server) -> ServerEndpoint:
    """Let the first connection of a server accept no more calls. It stays open."""
    first = server.endpoints[0]
    first.connection.shut_down()
    first.flush()
    return first


async def has_calls(server: Server, count: int) -> None:
    """Wait until a server has received a number of calls."""
    while len(server.calls) < count:
        await asyncio.sleep(0)


async def never(call: ServerCall) -> None:
    await asyncio.get_running_loop().create_future()


@pytest.mark.usefixtures("short_silence")
async def test_a_request_without_an_answer_is_repeated_elsewhere() -> None:
    async def answer(call: ServerCall) -> None:
        if call.endpoint is server.endpoints[0]:
            await never(call)
        call.start()
        await call.send(streams.DeleteResponse(no_position={}).SerializeToString())
        call.finish()

    async with serving(handlers(Delete=answer)) as server, calling(server.port) as caller:
        asked = asyncio.ensure_future(caller.request(delete("s", -2, hard=False)))
        await has_calls(server, 2)
        first = announce_shutdown(server)
        await asyncio.wait_for(asked, 5)
        await asyncio.wait_for(first.closed.wait(), 5)


@pytest.mark.usefixtures("short_silence")
async def test_a_read_without_further_events_goes_on_elsewhere() -> None:
    script = in_turn([event(0), event(1), WAIT], [event(2)])
    async with reading_from(script) as (read, caller):
        reading = StreamReading(caller, "s", 0, StreamDirection.FORWARD, batch_size=10, resolve_links=False)
        batches = reading.batches()
        received = [each.number for each in await anext(batches)]
        announce_shutdown(read.server)
        async with asyncio.timeout(5):
            received += [each.number async for batch in batches for each in batch]
        assert received == [0, 1, 2]
        assert read.requests[1].stream.revision == 2


async def test_a_call_is_not_ended_before_the_silence_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENT_SECONDS", 3600.0)
    more = asyncio.Event()

    async def answer(call: ServerCall) -> None:
        call.start()
        await call.send(event(0).SerializeToString())
        await more.wait()
        await call.send(event(1).SerializeToString())
        call.finish()

    async with serving(handlers(Read=answer)) as server, calling(server.port) as caller:
        used = await caller.channel.connection()
        reading = StreamReading(caller, "s", 0, StreamDirection.FORWARD, batch_size=10, resolve_links=False)
        batches = reading.batches()
        received = [each.number for each in await anext(batches)]
        announce_shutdown(server)
        while used.may_open:
            await asyncio.sleep(0)
        used._on_silence(ConnectionClosed(used.address, "the timer is due, but bytes have arrived since it was set"))
        more.set()
        received += [each.number async for batch in batches for each in batch]
        assert received == [0, 1]
        assert [call.request.path for call in server.calls].count(streams.READ.path) == 1


@pytest.mark.usefixtures("short_silence")
async def test_a_request_that_is_not_repeatable_waits_for_the_end() -> None:
    served = handlers() | {persistent_subscriptions.DELETE.path: never}
    async with serving(served) as server, calling(server.port) as caller:
        asked = asyncio.ensure_future(caller.request(delete_group("s", "g")))
        await has_calls(server, 2)
        first = announce_shutdown(server)
        done, _ = await asyncio.wait([asked], timeout=4 * connection.SILENT_SECONDS)
        assert not done
        first.transport.abort()
        with pytest.raises(RequestInterrupted):
            await asked
