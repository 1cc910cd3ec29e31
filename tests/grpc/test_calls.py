"""Calls over a connection, with a test server that uses the HTTP/2 state machine of rxpump."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import (
    ClientClosed,
    ConnectionClosed,
    InvalidArgument,
    MalformedReply,
    NotSupported,
    OperationTimedOut,
    ReadFailed,
    ServerFailed,
    StreamDeleted,
    SubscriptionDropped,
    WrongExpectedVersion,
)
from rxpump.grpc.caller_metadata import call_metadata
from rxpump.grpc.calls.delete import delete as operation_of_delete
from rxpump.grpc.http2 import ErrorCode, Http2Limits
from rxpump.grpc.messages import server_features, streams
from rxpump.grpc.protocol.call_status import HANDLER_FAILED, CallStatus, StatusCode
from rxpump.model.credentials import Credentials, Token
from rxpump.model.positions import Position
from rxpump.settings import Settings
from tests.grpc.clients import BATCH, FOLLOW, QUICK, READ, calling, features, handlers
from tests.grpc.harness import ServerCall, serving

DELETION = operation_of_delete("s", -2, hard=False)


def deleted(position: int) -> bytes:
    return bytes(
        streams.DeleteResponse(
            position={"commit_position": position, "prepare_position": position}
        ).SerializeToString()
    )


async def delete(call: ServerCall) -> None:
    await anext(call)
    call.start()
    await call.send(deleted(7))
    call.finish()


async def echo(call: ServerCall) -> None:
    call.start()
    async for message in call:
        await call.send(message)
    call.finish()


async def never(call: ServerCall) -> None:
    await asyncio.Event().wait()


async def test_a_unary_call_returns_its_message() -> None:
    async with serving(handlers(Delete=delete)) as server, calling(server.port) as caller:
        result = await caller.request(DELETION)
        assert result.position == Position(7, 7)
        assert server.calls[-1].request.is_complete


async def test_a_unary_call_without_a_message_is_malformed() -> None:
    async def empty(call: ServerCall) -> None:
        call.refuse(CallStatus(StatusCode.OK))

    async with serving(handlers(Delete=empty)) as server, calling(server.port) as caller:
        with pytest.raises(MalformedReply, match="0 messages instead of one"):
            await caller.request(DELETION)


async def test_a_message_that_cannot_be_parsed_is_malformed() -> None:
    async def garbage(call: ServerCall) -> None:
        call.start()
        await call.send(b"\xff\xff")
        call.finish()

    async with serving(handlers(Delete=garbage)) as server, calling(server.port) as caller:
        with pytest.raises(MalformedReply):
            await caller.request(DELETION)


async def test_a_status_is_raised_as_an_error() -> None:
    async def refuse(call: ServerCall) -> None:
        metadata = (("exception", "wrong-expected-version"), ("expected-version", "4"), ("actual-version", "2"))
        call.refuse(CallStatus(StatusCode.FAILED_PRECONDITION, "", metadata))

    async with serving(handlers(Delete=refuse)) as server, calling(server.port) as caller:
        with pytest.raises(WrongExpectedVersion) as raised:
            await caller.request(DELETION)
        assert (raised.value.expected, raised.value.current) == (4, 2)


async def test_messages_that_arrive_together_are_one_batch() -> None:
    async with serving(handlers(BatchAppend=echo)) as server, calling(server.port) as caller:
        call = await caller.open(BATCH)
        for number in range(100):
            call.send(b"%d" % number)
        call.end()
        batches = []
        while batch := await call.next():
            batches.append(batch)
        assert [int(message) for batch in batches for message in batch] == list(range(100))
        assert len(batches) < 10
        assert call.status == CallStatus(StatusCode.OK)


async def test_messages_before_an_error_are_returned() -> None:
    async def fails(call: ServerCall) -> None:
        call.start()
        await call.send(b"first")
        call.finish(CallStatus(StatusCode.FAILED_PRECONDITION, "", (("exception", "stream-deleted"),)))

    async with serving(handlers(Read=fails)) as server, calling(server.port) as caller:
        call = await caller.open(FOLLOW)
        assert await call.next() == [b"first"]
        with pytest.raises(StreamDeleted):
            await call.next()
        with pytest.raises(StreamDeleted):
            await call.next()


async def test_a_paused_call_holds_one_window_and_no_other_call() -> None:
    sent = 0

    async def send_without_end(call: ServerCall) -> None:
        nonlocal sent
        call.start()
        while True:
            await call.send(bytes(1000))
            sent += 1000

    limits = Http2Limits(stream_window=100_000)
    async with (
        serving(handlers(Read=send_without_end, Delete=delete)) as server,
        calling(server.port, limits=limits) as caller,
    ):
        call = await caller.open(FOLLOW)
        await call.next()
        for _ in range(20):
            await caller.request(DELETION)
        held = sum(map(len, call._messages))
        assert held <= 100_000
        assert sent < 500_000
        received = 0
        while received < 1_000_000:
            received += sum(map(len, await call.next()))
        call.cancel()


async def test_a_message_larger_than_the_window_arrives() -> None:
    async def large(call: ServerCall) -> None:
        call.start()
        await call.send(bytes(1_000_000))
        call.finish()

    limits = Http2Limits(stream_window=65_535)
    async with serving(handlers(Read=large)) as server, calling(server.port, limits=limits) as caller:
        assert list(map(len, await caller.collect(READ, [b""]))) == [1_000_000]


async def test_a_sender_waits_until_bytes_have_left() -> None:
    async def slow(call: ServerCall) -> None:
        call.start()
        total = 0
        async for message in call:
            total += len(message)
        await call.send(b"%d" % total)
        call.finish()

    async with serving(handlers(BatchAppend=slow)) as server, calling(server.port) as caller:
        call = await caller.open(BATCH)
        for _ in range(40):
            call.send(bytes(100_000))
            await call.drain()
            assert call._owner.machine.pending_bytes(call.stream_id) <= 256 * 1024
        call.end()
        assert await call.collect() == [b"4000000"]


async def test_a_cancelled_wait_loses_no_message() -> None:
    async with serving(handlers(BatchAppend=echo)) as server, calling(server.port) as caller:
        call = await caller.open(BATCH)
        waiting = asyncio.ensure_future(call.next())
        await asyncio.sleep(0)
        waiting.cancel()
        call.send(b"kept")
        assert await call.next() == [b"kept"]
        call.cancel()


async def test_a_cancelled_call_is_reset_on_the_server() -> None:
    async with serving(handlers(Read=never)) as server, calling(server.port) as caller:
        asked = asyncio.ensure_future(caller.collect(READ, [b""]))
        while not any(call.request.path == streams.READ.path for call in server.calls):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
        reading = server.calls[-1]
        while reading.reset is None:
            await asyncio.sleep(0)
        assert reading.reset.code is ErrorCode.CANCEL
        await caller.channel.settled()


async def test_a_response_before_the_end_of_the_request_is_final() -> None:
    async def refuse(call: ServerCall) -> None:
        call.refuse(CallStatus(StatusCode.UNKNOWN, "Unexpected ReadAllResult: Error"))

    async with serving(handlers(Read=refuse)) as server, calling(server.port) as caller:
        call = await caller.open(READ)
        with pytest.raises(ReadFailed):
            await call.next()
        call.send(b"ignored")
        call.end()
        call.cancel()


async def test_a_deadline_ends_a_call_that_is_not_answered() -> None:
    async with serving(handlers(Delete=never)) as server, calling(server.port) as caller:
        with pytest.raises(OperationTimedOut) as raised:
            await caller.with_timeout(0.05).request(DELETION)
        assert (raised.value.timeout, raised.value.attempts, raised.value.is_connected) == (0.05, 1, True)
        assert raised.value.operation == "Streams.Delete 's'"


async def test_a_request_without_a_call_must_be_answered_in_time() -> None:
    settings = Settings(timeout=0.05, reconnect=QUICK, retry=QUICK)
    async with serving(handlers(Delete=never)) as server, calling(server.port, settings) as caller:
        with pytest.raises(OperationTimedOut):
            await caller.request(DELETION)


@pytest.mark.parametrize("text", ["Server Is Not Ready", "Server Is Too Busy", "Operation timed out: Commit phase"])
async def test_a_refusal_for_now_is_repeated(text: str) -> None:
    refusals = iter([StatusCode.UNAVAILABLE, StatusCode.ABORTED])

    async def later(call: ServerCall) -> None:
        if (code := next(refusals, None)) is not None:
            call.refuse(CallStatus(code, text))
        else:
            await delete(call)

    async with serving(handlers(Delete=later)) as server, calling(server.port) as caller:
        result = await caller.with_timeout(5).request(DELETION)
        assert result.position == Position(7, 7)


async def test_a_failed_handler_is_retried_a_few_times() -> None:
    """A follower that has just lost its leader fails in this way. A failure that repeats is reported."""
    failures = iter(range(3))
    asked = 0

    async def later(call: ServerCall) -> None:
        if next(failures, None) is not None:
            call.refuse(HANDLER_FAILED)
        else:
            await delete(call)

    async def fails(call: ServerCall) -> None:
        nonlocal asked
        asked += 1
        call.refuse(HANDLER_FAILED)

    async with serving(handlers(Delete=later, Read=fails)) as server, calling(server.port) as caller:
        assert (await caller.request(DELETION)).position == Position(7, 7)
        with pytest.raises(ServerFailed, match=HANDLER_FAILED.message):
            await caller.collect(READ, [b""])
    assert asked == 6


async def test_calls_send_name_credentials_and_leader_option() -> None:
    settings = Settings(name="zoë 1", require_leader=False, reconnect=QUICK)
    ada = Credentials("ada", "secret")
    async with (
        serving(handlers(Delete=delete)) as server,
        calling(server.port, settings, credentials=ada, sends_in_clear=True) as caller,
    ):
        await caller.request(DELETION)
        await caller.as_user(Token("abc")).request(DELETION)
        connect, first, second = (dict(call.request.metadata) for call in server.calls)
        assert connect == {"grpc-accept-encoding": "identity", "authorization": "Basic YWRhOnNlY3JldA=="}
        assert first == {
            "grpc-accept-encoding": "identity",
            "authorization": "Basic YWRhOnNlY3JldA==",
            "connection-name": "zo%C3%AB%201",
            "requires-leader": "false",
        }
        assert second["authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("name", "sent"),
    [("my app: 100%, 1/2", "my app: 100%, 1/2"), ("my café", "my%20caf%C3%A9"), (" my app", "%20my%20app")],
)
def test_a_name_is_encoded_only_if_it_cannot_be_sent(name: str, sent: str) -> None:
    assert dict(call_metadata(name, None, require_leader=True))["connection-name"] == sent


async def test_a_token_that_cannot_be_sent_is_not_shown() -> None:
    async with serving(handlers(Delete=delete)) as server, calling(server.port, sends_in_clear=True) as caller:
        with pytest.raises(InvalidArgument, match=r"token is '\(not shown\)'"):
            caller.as_user(Token("sécret"))


async def test_credentials_are_not_sent_without_tls() -> None:
    ada = Credentials("ada", "secret")
    async with serving(handlers(Delete=delete)) as server, calling(server.port, credentials=ada) as caller:
        await caller.request(DELETION)
        await caller.as_user(Token("abc")).request(DELETION)
        assert not any("authorization" in dict(call.request.metadata) for call in server.calls)
        assert caller.login is None


async def test_a_method_that_the_server_lacks_is_not_called() -> None:
    paths = handlers(Delete=delete)
    paths[server_features.GET_SUPPORTED_METHODS.path] = features([streams.READ], "20.10.2")
    async with serving(paths) as server, calling(server.port) as caller:
        with pytest.raises(NotSupported, match=r"use a server of version 20\.6\.0 or later"):
            await caller.request(DELETION)
        assert str((await caller.features()).version) == "20.10.2"
        assert len(server.calls) == 1


async def test_a_server_before_21_10_has_the_methods_of_20_6() -> None:
    paths = handlers(Delete=delete)
    del paths[server_features.GET_SUPPORTED_METHODS.path]
    async with serving(paths) as server, calling(server.port) as caller:
        await caller.request(DELETION)
        with pytest.raises(NotSupported, match=r"a version before 21\.10\.0"):
            await caller.open(BATCH)


async def test_a_closed_client_ends_its_calls() -> None:
    async with serving(handlers(Read=never)) as server, calling(server.port) as caller:
        call = await caller.open(FOLLOW)
        waiting = asyncio.ensure_future(call.next())
        await asyncio.sleep(0)
        await caller.channel.close()
        with pytest.raises(ClientClosed):
            await waiting


async def test_a_goaway_ends_subscriptions_and_lets_calls_finish() -> None:
    finish = asyncio.Event()

    async def slowly(call: ServerCall) -> None:
        await finish.wait()
        await delete(call)

    async with serving(handlers(Read=never, Delete=slowly)) as server, calling(server.port) as caller:
        subscription = await caller.open(FOLLOW, ends_on_goaway=True)
        asked = asyncio.ensure_future(caller.request(DELETION))
        while len(server.calls) < 3:
            await asyncio.sleep(0)
        first = server.endpoints[0]
        first.connection.shut_down()
        first.flush()
        with pytest.raises(ConnectionClosed, match="the server shuts the connection down"):
            await subscription.next()
        while not caller.channel.is_connected or len(server.endpoints) < 2:
            await asyncio.sleep(0)
        finish.set()
        assert (await asked).position == Position(7, 7)
        assert [call.request.path for call in server.endpoints[1].calls.values()] == [
            server_features.GET_SUPPORTED_METHODS.path
        ]
        await asyncio.wait_for(first.closed.wait(), 5)


async def test_the_101st_call_opens_another_connection() -> None:
    async def confirm(call: ServerCall) -> None:
        call.start()
        await call.send(b"confirmed")
        await never(call)

    async with serving(handlers(Read=confirm, Delete=delete)) as server, calling(server.port) as caller:
        calls = [await caller.open(FOLLOW) for _ in range(250)]
        assert [await call.next() for call in calls] == [[b"confirmed"]] * 250
        await caller.request(DELETION)
        assert len(server.endpoints) == 3
        assert max(endpoint.connection.open_streams for endpoint in server.endpoints) == 100
        for call in calls:
            call.cancel()


async def test_a_lost_subscription_is_dropped_by_the_status() -> None:
    async def drop(call: ServerCall) -> None:
        call.refuse(CallStatus(StatusCode.ABORTED, "Operation timed out: Consumer too slow to handle event."))

    async with serving(handlers(Read=drop)) as server, calling(server.port) as caller:
        with pytest.raises(SubscriptionDropped, match="Consumer too slow"):
            await (await caller.open(FOLLOW)).next()
