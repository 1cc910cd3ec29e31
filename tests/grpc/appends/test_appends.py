"""Appends by BatchAppend and by Append, with a test server that uses the HTTP/2 state machine of rxpump."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from rxpump.errors import (
    ClientClosed,
    InvalidArgument,
    MalformedReply,
    NotConnected,
    OperationTimedOut,
    WrongExpectedVersion,
)
from rxpump.grpc.appends import batch_sender
from rxpump.grpc.appends.appends import LARGE_BYTES, Appends, GrpcAppender
from rxpump.grpc.caller import Caller
from rxpump.grpc.http2 import ErrorCode, Http2Limits
from rxpump.grpc.messages import server_features, streams
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.protocol.headers import trailers
from rxpump.grpc.protocol.message_reader import frame_message
from rxpump.model.credentials import Credentials
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.model.results import WriteResult
from tests.grpc.appends.store import NOT_READY, Store
from tests.grpc.clients import SETTINGS, calling, features, handlers
from tests.grpc.harness import Handler, Server, ServerCall, serving

ANY = ExpectedVersion.ANY


def event(number: int) -> NewEvent:
    return NewEvent("happened", str(number).encode())


def large() -> NewEvent:
    return NewEvent("large", bytes(LARGE_BYTES))


def number(data: bytes) -> int:
    return -1 if len(data) > 100 else int(data)


@asynccontextmanager
async def appending(store: Store) -> AsyncIterator[tuple[Server, Caller, Appends]]:
    async with serving(handlers(**store.handlers())) as server, calling(server.port) as caller:
        yield server, caller, Appends()


async def test_many_appends_share_one_call() -> None:
    store = Store()
    async with appending(store) as (_, caller, appends):
        numbers = range(100)
        results = await asyncio.gather(*(appends.append(caller, "s", [event(n)], ANY) for n in numbers))
    assert results == [WriteResult("s", n, n, None) for n in numbers]
    assert [number(data) for data in store.streams["s"]] == list(numbers)
    assert (store.calls, store.singles) == (1, 0)


async def test_a_call_can_end_in_the_bytes_of_a_response() -> None:
    """The response gives room for the next batch, which can no longer be sent on this call."""
    store = Store()

    async def once(call: ServerCall) -> None:
        served["BatchAppend"] = store.batch_append
        call.start()
        request = streams.BatchAppendRequest.FromString(await anext(call))
        success = {"current_revision": 7, "no_position": {}}
        response = streams.BatchAppendResponse(correlation_id=request.correlation_id, success=success)
        machine = call.endpoint.connection
        machine.send_data(call.stream_id, frame_message(response.SerializeToString()))
        machine.send_trailers(call.stream_id, trailers(NOT_READY))
        response_bytes = machine.bytes_to_send()
        machine.reset(call.stream_id, ErrorCode.NO_ERROR)
        call.endpoint.transport.write(response_bytes + machine.bytes_to_send())

    async def batch_append(call: ServerCall) -> None:
        await served["BatchAppend"](call)

    served: dict[str, Handler] = {"BatchAppend": once}
    one_by_one = replace(SETTINGS, max_in_flight=1)
    async with serving(handlers(BatchAppend=batch_append)) as server, calling(server.port, one_by_one) as caller:
        appends = Appends()
        results = await asyncio.gather(*(appends.append(caller, "s", [event(n)], ANY) for n in range(2)))
        assert len(server.endpoints) == 1
    assert results == [WriteResult("s", 7, 7, None), WriteResult("s", 0, 0, None)]


async def test_an_append_of_several_events_has_all_their_numbers() -> None:
    async with appending(Store()) as (_, caller, appends):
        await appends.append(caller, "s", [event(0)], ANY)
        assert await appends.append(caller, "s", [event(1), event(2)], 0) == WriteResult("s", 1, 2, None)


@pytest.mark.parametrize(("count", "writes"), [(20, 2), (100, 5)])
async def test_appends_of_one_loop_iteration_need_few_writes(
    monkeypatch: pytest.MonkeyPatch, count: int, writes: int
) -> None:
    async with appending(Store()) as (_, caller, appends):
        await appends.append(caller, "s", [event(0)], ANY)
        connection = await caller.channel.connection()
        written: list[bytes] = []
        assert connection._socket is not None
        write = connection._socket.write

        def note(data: bytes) -> None:
            written.append(data)
            write(data)

        monkeypatch.setattr(connection._socket, "write", note)
        numbers = range(1, count + 1)
        results = await asyncio.gather(*(appends.append(caller, "s", [event(n)], ANY) for n in numbers))
    assert [result.last_event_number for result in results] == list(numbers)
    # The first append does not wait for others, and SEND_AT of them do not wait for the end of the iteration.
    assert len([data for data in written if b"happened" in data]) == writes


async def test_answers_that_fill_the_window_are_acknowledged() -> None:
    limits = Http2Limits(stream_window=512)
    store = Store()
    async with serving(handlers(**store.handlers())) as server, calling(server.port, limits=limits) as caller:
        appends = Appends()
        for _ in range(20):
            store.release.clear()
            writing = [asyncio.ensure_future(appends.append(caller, "s", [event(n)], ANY)) for n in range(100)]
            await asyncio.sleep(0)
            store.release.set()
            await asyncio.gather(*writing)
    assert len(store.streams["s"]) == 2_000


async def test_a_malformed_response_fails_the_call_and_its_appends() -> None:
    async def batch_append(call: ServerCall) -> None:
        call.start()
        await anext(call)
        await call.send(b"\xff")

    async with serving(handlers(BatchAppend=batch_append)) as server, calling(server.port) as caller:
        with pytest.raises(MalformedReply):
            await Appends().append(caller, "s", [event(0)], ANY)


async def test_one_refused_append_does_not_disturb_the_others() -> None:
    async with appending(Store()) as (_, caller, appends):
        await appends.append(caller, "s", [event(0)], ANY)
        wrong, right = await asyncio.gather(
            appends.append(caller, "s", [event(1)], 7),
            appends.append(caller, "s", [event(2)], 0),
            return_exceptions=True,
        )
    assert isinstance(wrong, WrongExpectedVersion)
    assert (wrong.expected, wrong.current) == (7, 0)
    assert right == WriteResult("s", 1, 1, None)


async def test_batches_are_repeated_in_order_when_the_call_ends() -> None:
    store = Store()
    store.interruptions.extend([None, None, NOT_READY])
    async with appending(store) as (_, caller, appends):
        appender = GrpcAppender(appends, caller, "s")
        results = await asyncio.gather(*(appender.append([event(n)], n - 1) for n in range(10)))
    assert [result.last_event_number for result in results] == list(range(10))
    assert [number(data) for data in store.streams["s"]] == list(range(10))
    assert store.calls == 2
    assert [number(data) for data in store.batches[3:]] == list(range(2, 10))


async def test_a_follower_sends_all_batches_to_the_leader_in_order() -> None:
    store, follower = Store(), Store()
    async with serving(handlers(**store.handlers())) as leader:
        endpoint = (("leader-endpoint-host", "127.0.0.1"), ("leader-endpoint-port", str(leader.port)))
        not_leader = CallStatus(
            StatusCode.NOT_FOUND, "Leader info available", (("exception", "not-leader"), *endpoint)
        )
        follower.refuses_with = not_leader
        async with serving(handlers(**follower.handlers())) as node, calling(node.port) as caller:
            appender = GrpcAppender(Appends(), caller, "s")
            results = await asyncio.gather(*(appender.append([event(n)], n - 1) for n in range(20)))
    assert [result.last_event_number for result in results] == list(range(20))
    assert [number(data) for data in store.batches] == list(range(20))
    assert follower.streams == {}
    assert follower.batches


async def test_a_lost_connection_repeats_what_was_not_answered() -> None:
    store = Store()
    store.release.clear()
    async with appending(store) as (server, caller, appends):
        appender = GrpcAppender(appends, caller, "s")
        pending = asyncio.gather(*(appender.append([event(n)], n - 1) for n in range(10)))
        while not store.batches:
            await server.endpoints[0].progress.wait()
        server.endpoints[0].transport.abort()
        store.release.set()
        await pending
    assert [number(data) for data in store.streams["s"]] == list(range(10))


async def test_an_append_that_is_refused_for_now_is_repeated() -> None:
    store = Store()
    store.refusals.extend(["Server Is Not Ready", "Server Is Busy", None, "Server Is Not Ready"])
    async with appending(store) as (_, caller, appends):
        appender = GrpcAppender(appends, caller, "s")
        await asyncio.gather(*(appender.append([event(n)], ANY) for n in range(5)))
    assert sorted(map(number, store.streams["s"])) == list(range(5))
    assert len(store.streams["s"]) == 5


async def test_a_large_append_has_a_call_of_its_own() -> None:
    store = Store()
    async with appending(store) as (_, caller, appends):
        assert await appends.append(caller, "s", [large()], ANY) == WriteResult("s", 0, 0, None)
    assert (store.calls, store.singles) == (0, 1)


async def test_an_appender_keeps_the_order_of_large_and_small() -> None:
    store = Store()
    async with appending(store) as (_, caller, appends):
        appender = GrpcAppender(appends, caller, "s")
        events = [event(0), event(1), large(), event(2), large(), event(3)]
        await asyncio.gather(*(appender.append([each], ANY) for each in events))
        appender.close()
    assert [number(data) for data in store.streams["s"]] == [0, 1, -1, 2, -1, 3]
    assert store.singles == 2


async def test_a_server_without_batches_gets_a_call_for_each_append() -> None:
    store = Store()
    methods = handlers(**store.handlers())
    methods[server_features.GET_SUPPORTED_METHODS.path] = features([streams.APPEND], "20.10.0")
    async with serving(methods) as server, calling(server.port) as caller:
        appends = Appends()
        assert await appends.append(caller, "s", [event(0)], ANY) == WriteResult("s", 0, 0, None)
        appender = GrpcAppender(appends, caller, "s")
        await asyncio.gather(*(appender.append([event(n)], ANY) for n in range(1, 20)))
    assert [number(data) for data in store.streams["s"]] == list(range(20))
    assert (store.calls, store.singles) == (0, 20)


async def test_each_user_has_a_call() -> None:
    store = Store()
    async with appending(store) as (_, caller, appends):
        other = caller.as_user(Credentials("ouro", "secret"))
        again = caller.as_user(Credentials("ouro", "secret"))
        for each in (caller, other, again, caller):
            await appends.append(each, "s", [event(0)], ANY)
        assert appends.sender(other) is appends.sender(again)
        assert appends.sender(caller) is appends.sender(caller.with_timeout(3))
    assert len(store.streams["s"]) == 4


async def test_calls_of_idle_users_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_sender, "IDLE_SECONDS", 0.0)
    async with appending(Store()) as (server, caller, appends):
        for number_of_user in range(5):
            user = caller.as_user(Credentials(f"user-{number_of_user}", "secret"))
            await appends.append(user, "s", [event(0)], ANY)
            while not appends.sender(user).is_idle:
                await server.endpoints[0].progress.wait()
        assert repr(appends).count("BatchSender") == 1


async def test_a_call_that_is_no_longer_answered_is_replaced() -> None:
    """The connection still works, as when a proxy has lost the call."""
    store = Store()

    async def once(call: ServerCall) -> None:
        """Answer one batch and no other."""
        served["BatchAppend"] = store.batch_append
        call.start()
        request = streams.BatchAppendRequest.FromString(await anext(call))
        success = {"current_revision": 7, "no_position": {}}
        response = streams.BatchAppendResponse(correlation_id=request.correlation_id, success=success)
        await call.send(response.SerializeToString())
        await asyncio.Event().wait()

    async def batch_append(call: ServerCall) -> None:
        await served["BatchAppend"](call)

    served: dict[str, Handler] = {"BatchAppend": once}
    short = replace(SETTINGS, timeout=0.05)
    async with serving(handlers(BatchAppend=batch_append)) as server, calling(server.port, short) as caller:
        appends, long = Appends(), caller.with_timeout(None)
        await appends.append(long, "s", [event(7)], ANY)
        with pytest.raises(OperationTimedOut):
            await appends.append(caller.with_timeout(0.05), "s", [event(8)], ANY)
        assert await appends.append(long, "s", [event(9)], ANY) == WriteResult("s", 0, 0, None)
        assert len(server.endpoints) == 1


async def test_an_append_has_a_deadline() -> None:
    store = Store()
    store.release.clear()
    async with appending(store) as (_, caller, appends):
        with pytest.raises(OperationTimedOut) as caught:
            await appends.append(caller.with_timeout(0.05), "s", [event(0)], ANY)
        assert caught.value.operation == "Streams.BatchAppend 's'"
        assert (caught.value.timeout, caught.value.attempts) == (0.05, 1)
        store.release.set()


async def test_a_cancelled_append_is_withdrawn() -> None:
    store = Store()
    store.release.clear()
    async with appending(store) as (_, caller, appends):
        task = asyncio.ensure_future(appends.append(caller, "s", [event(0)], ANY))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        store.release.set()
        await appends.append(caller, "s", [event(1)], ANY)
        await caller.channel.settled()


async def test_closing_the_client_ends_appends_in_flight() -> None:
    store = Store()
    store.release.clear()
    async with appending(store) as (server, caller, appends):
        task = asyncio.ensure_future(appends.append(caller, "s", [event(0)], ANY))
        while not store.batches:
            await server.endpoints[0].progress.wait()
        await caller.channel.close()
        with pytest.raises(ClientClosed):
            await task
        with pytest.raises(NotConnected):
            await appends.append(caller, "s", [event(0)], ANY)


async def test_a_server_that_does_not_read_makes_the_batches_wait() -> None:
    store = Store()
    async with appending(store) as (_, caller, appends):
        many = [NewEvent("happened", bytes(100_000)) for _ in range(50)]
        results = await asyncio.gather(*(appends.append(caller, "t", [each], ANY) for each in many))
    assert [result.last_event_number for result in results] == list(range(50))


async def test_an_idle_call_is_ended_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_sender, "IDLE_SECONDS", 0.0)
    store = Store()
    async with appending(store) as (server, caller, appends):
        await appends.append(caller, "s", [event(0)], ANY)
        while not any(call.reset for call in server.calls):
            await server.endpoints[0].progress.wait()
        await appends.append(caller, "s", [event(1)], ANY)
    assert store.calls == 2


async def test_an_event_that_no_message_can_contain_is_refused() -> None:
    async with appending(Store()) as (_, caller, appends):
        with pytest.raises(InvalidArgument, match="at most 16767216 bytes in a message"):
            await appends.append(caller, "s", [NewEvent("h", bytes(16_767_200))], ANY)


async def test_refused_credentials_fail_every_batch() -> None:
    store = Store()
    store.interruptions.append(CallStatus(StatusCode.UNAUTHENTICATED, "Unauthenticated"))
    async with appending(store) as (_, caller, appends):
        outcomes = await asyncio.gather(
            *(appends.append(caller, "s", [event(n)], ANY) for n in range(2)), return_exceptions=True
        )
    assert {type(each).__name__ for each in outcomes} == {"NotAuthenticated"}


async def test_the_state_of_appends_is_shown() -> None:
    async with appending(Store()) as (_, caller, appends):
        appender = GrpcAppender(appends, caller, "s")
        await appender.append([event(0)], ANY)
        assert repr(appender) == "<GrpcAppender to 's', 0 in flight>"
        sender = "<BatchSender of None, <PendingBatches open, 0 in flight, 0 waiting>>"
        assert repr(appends) == f"<Appends [{sender}]>"
