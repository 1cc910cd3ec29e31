"""Calls that end without a gRPC status. They are repeated as after a lost connection, if their method allows that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.errors import CallInterrupted, ConnectionClosed, OperationTimedOut
from rxpump.grpc.appends.appends import Appends
from rxpump.grpc.calls.append import append
from rxpump.grpc.calls.batch_append import Batch
from rxpump.grpc.calls.delete import delete
from rxpump.grpc.http2 import ErrorCode
from rxpump.grpc.messages import server_features, streams
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.reads.follow import AllFollowing, StreamFollowing
from rxpump.grpc.reads.pages import read_stream_page
from rxpump.grpc.reads.reading import AllReading, StreamReading
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import START, Position, StreamDirection
from rxpump.settings import Settings
from tests.grpc.clients import QUICK, calling, features, handlers
from tests.grpc.harness import ServerCall, serving
from tests.grpc.interruptions import (
    AFTER_HEADERS,
    BEFORE_HEADERS,
    Interruption,
    answers,
    resets_with,
)
from tests.grpc.reads.read_server import CONFIRMED, WAIT, event, in_turn, reading_from

FORWARD = StreamDirection.FORWARD
BEFORE = pytest.mark.parametrize("interrupt", BEFORE_HEADERS.values(), ids=BEFORE_HEADERS)
AFTER = pytest.mark.parametrize("interrupt", AFTER_HEADERS.values(), ids=AFTER_HEADERS)


async def numbers(reading: Any) -> list[int]:
    async with aclosing(reading.batches()) as batches:
        return [each.number async for batch in batches for each in batch]


# Reads --------------------------------------------------------------------------------------------


@BEFORE
async def test_a_read_is_repeated(interrupt: Interruption) -> None:
    script = in_turn([interrupt], [interrupt], [event(0), event(1)])
    async with reading_from(script) as (server, caller):
        page = await read_stream_page(caller, "s", START, 5, FORWARD, resolve_links=False)
        assert [each.number for each in page] == [0, 1]
        assert len(server.requests) == 3


@AFTER
async def test_a_read_goes_on_after_the_last_event(interrupt: Interruption) -> None:
    script = in_turn([event(0), event(1), interrupt], [answers("503")], [event(2), interrupt], [event(3)])
    async with reading_from(script) as (server, caller):
        reading = StreamReading(caller, "s", 0, FORWARD, batch_size=10, resolve_links=False)
        assert await numbers(reading) == [0, 1, 2, 3]
        assert [each.stream.revision for each in server.requests] == [0, 2, 2, 3]


@AFTER
async def test_a_read_of_all_goes_on_after_the_last_event(interrupt: Interruption) -> None:
    script = in_turn([event(1), event(2), interrupt], [event(2), event(3), interrupt], [event(3), event(4)])
    async with reading_from(script) as (server, caller):
        reading = AllReading(caller, START, FORWARD, batch_size=10, resolve_links=False)
        assert await numbers(reading) == [1, 2, 3, 4]
        assert [each.all.position.commit_position for each in server.requests] == [0, 200, 300]


async def test_a_read_that_is_always_interrupted_fails() -> None:
    settings = Settings(retry=Backoff(min_delay=0.001, max_delay=0.002, attempts=3), reconnect=QUICK)
    async with reading_from(lambda _: [answers("503")], settings) as (server, caller):
        with pytest.raises(CallInterrupted) as raised:
            await read_stream_page(caller.with_timeout(5), "s", START, 5, FORWARD, resolve_links=False)
        assert len(server.requests) == 4
        error = raised.value
        assert (error.operation, error.reason) == ("Streams.Read 's'", "HTTP status 503 without grpc-status")
        assert isinstance(error, ConnectionClosed)
        assert error.address in str(error)
        assert error.retryable


async def test_the_deadline_of_an_interrupted_read_runs() -> None:
    async with reading_from(lambda _: [resets_with(ErrorCode.CANCEL)]) as (server, caller):
        with pytest.raises(OperationTimedOut):
            await read_stream_page(caller.with_timeout(0.1), "s", START, 5, FORWARD, resolve_links=False)
        assert len(server.requests) < 200, "the client pauses between attempts"


async def test_a_request_of_a_subscription_has_a_time_limit() -> None:
    settings = Settings(timeout=0.1, retry=QUICK, reconnect=QUICK)
    async with reading_from(lambda _: [resets_with(ErrorCode.CANCEL)], settings) as (_, caller):
        with pytest.raises(OperationTimedOut):
            await read_stream_page(caller, "s", START, 5, FORWARD, resolve_links=False)


@BEFORE
async def test_a_client_connects_although_its_first_calls_end(interrupt: Interruption) -> None:
    remaining = iter([interrupt, interrupt])
    listed = features()

    async def answer(call: ServerCall) -> None:
        if (end := next(remaining, None)) is None:
            await listed(call)
        else:
            await anext(call)
            end(call)

    served = handlers() | {server_features.GET_SUPPORTED_METHODS.path: answer}
    async with serving(served) as server, calling(server.port) as caller:
        assert (await caller.features()).version is not None
        assert len(server.endpoints) == 3


async def test_a_refused_stream_is_repeated() -> None:
    script = in_turn([resets_with(ErrorCode.REFUSED_STREAM)], [event(0)])
    async with reading_from(script) as (_, caller):
        assert await numbers(StreamReading(caller, "s", 0, FORWARD, batch_size=10, resolve_links=False)) == [0]


# Subscriptions ------------------------------------------------------------------------------------


@AFTER
@pytest.mark.parametrize("of", ["stream", "all"])
async def test_a_subscription_ends_as_with_its_connection(interrupt: Interruption, of: str) -> None:
    """The attempt ends with ConnectionClosed, so that the next one starts after the last event."""

    def script(options: Any) -> Iterable[Any]:
        return [CONFIRMED, event(1), event(2), interrupt] if options.HasField("subscription") else [event(2)]

    async with reading_from(script) as (_, caller):
        subscription: Any = (
            StreamFollowing(caller, "s", -1, batch_size=5, resolve_links=False)
            if of == "stream"
            else AllFollowing(caller, Position(50, 50), batch_size=5, resolve_links=False)
        )
        received: list[int] = []
        async with aclosing(subscription):
            with pytest.raises(CallInterrupted):
                while True:
                    news = await subscription.next()
                    received += [each.number for each in news] if isinstance(news, Sequence) else []
        assert received == [1, 2]


@BEFORE
async def test_a_subscription_that_is_not_confirmed_ends_so_too(interrupt: Interruption) -> None:
    def script(options: Any) -> Iterable[Any]:
        return [interrupt] if options.HasField("subscription") else [event(2)]

    async with reading_from(script) as (_, caller):
        subscription = StreamFollowing(caller, "s", -1, batch_size=5, resolve_links=False)
        async with aclosing(subscription):
            with pytest.raises(CallInterrupted):
                await subscription.next()


async def test_a_failed_handler_of_a_subscription_is_called_again() -> None:
    failed = CallStatus(StatusCode.UNKNOWN, "Exception was thrown by handler.")
    answers = iter([[failed], [failed], [CONFIRMED, event(0), WAIT]])

    def script(options: Any) -> Iterable[Any]:
        return next(answers) if options.HasField("subscription") else [event(0)]

    async with reading_from(script) as (server, caller):
        subscription = StreamFollowing(caller, "s", -1, batch_size=5, resolve_links=False)
        async with aclosing(subscription):
            await subscription.next()
            news = await subscription.next()
            assert isinstance(news, Sequence)
            assert [each.number for each in news] == [0]
        assert len(server.subscriptions) == 3


# Appends ------------------------------------------------------------------------------------------


class Writer:
    """A server that writes each event once, by its id, and interrupts some calls before or after it has written.

    Attributes:
        written: Ids of the events in the order of writing.
        calls: Number of calls.
    """

    def __init__(self, interrupt: Interruption, times: int, *, writes: bool) -> None:
        self.written: list[bytes] = []
        self.calls = 0
        self._interrupt = interrupt
        self._remaining = times
        self._writes = writes

    def write(self, events: Sequence[Any]) -> int:
        fresh = [each.id.SerializeToString() for each in events]
        self.written += [each for each in fresh if each not in self.written]
        return self.written.index(fresh[-1])

    def interrupts(self, call: ServerCall, events: Sequence[Any]) -> bool:
        if self._remaining <= 0:
            return False
        self._remaining -= 1
        if self._writes:
            self.write(events)
        self._interrupt(call)
        return True

    async def append(self, call: ServerCall) -> None:
        self.calls += 1
        requests = [streams.AppendRequest.FromString(each) async for each in call]
        events = [each.proposed_message for each in requests[1:]]
        if not self.interrupts(call, events):
            call.start()
            position = {"commit_position": 1, "prepare_position": 1}
            success = {"current_revision": self.write(events), "position": position}
            await call.send(streams.AppendResponse(success=success).SerializeToString())
            call.finish()

    async def batch(self, call: ServerCall) -> None:
        self.calls += 1
        has_started = False
        async for encoded in call:
            request = streams.BatchAppendRequest.FromString(encoded)
            if not has_started and self.interrupts(call, request.proposed_messages):
                return
            if not has_started:
                call.start()
                has_started = True
            response = streams.BatchAppendResponse(
                correlation_id=request.correlation_id,
                success={"current_revision": self.write(request.proposed_messages)},
            )
            await call.send(response.SerializeToString())


@BEFORE
@pytest.mark.parametrize("writes", [False, True])
async def test_an_append_is_repeated_with_the_same_ids(interrupt: Interruption, writes: bool) -> None:
    writer = Writer(interrupt, 2, writes=writes)
    served = handlers(Append=writer.append, BatchAppend=writer.batch)
    async with serving(served) as server, calling(server.port) as caller:
        limited = caller.with_timeout(5)
        result = await limited.request(append("s", [NewEvent("T", 1), NewEvent("T", 2)], -2))
        assert result.last_event_number == 1
        result = await Appends().append(limited, "s", [NewEvent("T", 3)], -2)
        assert result.last_event_number == 2
    assert len(writer.written) == 3


@BEFORE
async def test_batches_are_repeated_with_the_same_ids(interrupt: Interruption) -> None:
    writer = Writer(interrupt, 3, writes=True)
    async with serving(handlers(BatchAppend=writer.batch)) as server, calling(server.port) as caller:
        appends = Appends().sender(caller)
        batches = [appends.begin(batch(n), None) for n in range(20)]
        results = [await appends.result(each) for each in batches]
    assert [each.last_event_number for each in results] == list(range(20))
    assert len(writer.written) == 20
    assert writer.calls == 4


def batch(number: int) -> Batch:
    return Batch("s", [NewEvent("T", number)], -2, None)


async def test_batches_that_are_always_interrupted_fail() -> None:
    settings = Settings(retry=Backoff(min_delay=0.001, max_delay=0.002, attempts=3), reconnect=QUICK)
    writer = Writer(answers("503"), 1000, writes=False)
    async with serving(handlers(BatchAppend=writer.batch)) as server, calling(server.port, settings) as caller:
        with pytest.raises(CallInterrupted) as raised:
            await Appends().append(caller, "s", [NewEvent("T", 1)], -2)
    assert raised.value.operation == "Streams.BatchAppend 's'"
    assert writer.calls == 4


async def test_a_server_that_refuses_calls_is_not_called_all_the_time() -> None:
    writer = Writer(answers("503"), 1_000_000, writes=False)
    settings = Settings(retry=Backoff(min_delay=0.05, max_delay=0.05, jitter=0), reconnect=QUICK)
    async with serving(handlers(BatchAppend=writer.batch)) as server, calling(server.port, settings) as caller:
        with pytest.raises(OperationTimedOut):
            await Appends().append(caller.with_timeout(0.2), "s", [NewEvent("T", 1)], -2)
    assert writer.calls <= 5


async def test_a_delete_is_repeated() -> None:
    calls = 0

    async def answer(call: ServerCall) -> None:
        nonlocal calls
        calls += 1
        await anext(call)
        if calls == 1:
            resets_with(ErrorCode.INTERNAL_ERROR)(call)
            return
        call.start()
        await call.send(streams.DeleteResponse(no_position={}).SerializeToString())
        call.finish()

    async with serving(handlers(Delete=answer)) as server, calling(server.port) as caller:
        await caller.request(delete("s", -2, hard=False))
    assert calls == 2
