"""Connections to consumer groups, with a test server that uses the HTTP/2 state machine of rxpump."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from rxpump.errors import (
    ClientClosed,
    ConnectionClosed,
    MalformedReply,
    NotSupported,
    PersistentSubscriptionNotFound,
    SubscriberLimitReached,
    SubscriptionDropped,
)
from rxpump.grpc.caller import Caller
from rxpump.grpc.consumer_session import LEAVING_SECONDS, GrpcConsumerSession, connect_group
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.grpc.messages import server_features
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.group_settings import NackAction
from rxpump.model.positions import Position
from tests.grpc.clients import calling, features
from tests.grpc.harness import Server, ServerCall, serving

DROPPED = CallStatus(StatusCode.CANCELLED, "dropped", metadata=(("exception", "persistent-subscription-dropped"),))
MISSING = CallStatus(
    StatusCode.NOT_FOUND, "no group", metadata=(("exception", "persistent-subscription-does-not-exist"),)
)
FULL = CallStatus(StatusCode.FAILED_PRECONDITION, "full", metadata=(("exception", "maximum-subscribers-reached"),))
NOT_READY = CallStatus(StatusCode.UNAVAILABLE, "Server Is Not Ready")
CONFIRMED: bytes = messages.ReadResponse(
    subscription_confirmation={"subscription_id": "ponies::riders"}
).SerializeToString()


def delivery(number: int, *, retries: int = 0, link: int | None = None) -> bytes:
    """Return a response with an event, or with an event that was reached through a link."""
    event = {
        "id": {"string": str(UUID(int=number + 1))},
        "stream_identifier": {"stream_name": b"ponies"},
        "stream_revision": number,
        "commit_position": 100 + number,
        "prepare_position": 100 + number,
        "metadata": {"type": "happened"},
    }
    delivered = {"event": event, "retry_count": retries}
    if link is not None:
        delivered["link"] = {"id": {"string": str(UUID(int=link + 1))}, "stream_revision": link}
    return bytes(messages.ReadResponse(event=delivered).SerializeToString())


class Group:
    """A consumer group on a test server. The test determines its refusals and deliveries.

    Attributes:
        refusals: Statuses with which the next consumers are refused.
        received: Requests of consumers after the first one.
        options: First request of the last consumer.
    """

    def __init__(self) -> None:
        self.refusals: deque[CallStatus] = deque()
        self.outgoing: asyncio.Queue[bytes | CallStatus] = asyncio.Queue()
        self.received: list[messages.ReadRequest] = []
        self.changed = asyncio.Event()
        self.confirmation = messages.ReadResponse(subscription_confirmation={"subscription_id": "ponies::riders"})
        self.options: messages.ReadRequest = None

    async def read(self, call: ServerCall) -> None:
        self.options = messages.ReadRequest.FromString(await anext(call)).options
        if self.refusals:
            call.refuse(self.refusals.popleft())
            return
        call.start()
        await call.send(self.confirmation.SerializeToString())
        reader = asyncio.ensure_future(self._receive(call))
        try:
            while True:
                message = await self.outgoing.get()
                if isinstance(message, CallStatus):
                    call.finish(message)
                    return
                await call.send(message)
        finally:
            reader.cancel()

    async def _receive(self, call: ServerCall) -> None:
        async for encoded in call:
            self.received.append(messages.ReadRequest.FromString(encoded))
            self.changed.set()

    async def requests(self, count: int) -> list[messages.ReadRequest]:
        """Wait until consumers have sent `count` requests, and return them."""
        while len(self.received) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.received


@asynccontextmanager
async def consuming(group: Group) -> AsyncIterator[tuple[Server, Caller]]:
    handlers = {
        server_features.GET_SUPPORTED_METHODS.path: features(),
        messages.READ.path: group.read,
    }
    async with serving(handlers) as server, calling(server.port) as caller:
        yield server, caller


async def test_messages_of_later_versions_are_left_out() -> None:
    group = Group()
    newer = b"\xaa\x01\x00"  # field 21
    group.confirmation = messages.ReadResponse.FromString(newer)
    for message in (newer, CONFIRMED, newer, delivery(0), newer, delivery(1)):
        group.outgoing.put_nowait(message)
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 10)
        received: list[int] = []
        while len(received) < 2:
            received += [event.number for event, _ in await session.next()]
        assert received == [0, 1]
        session.close()


async def test_deliveries_have_events_and_retry_counts() -> None:
    group = Group()
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        assert (group.options.group_name, group.options.buffer_size) == ("riders", 7)
        group.outgoing.put_nowait(delivery(3, retries=2))
        ((event, retries),) = await session.next()
        assert (event.number, event.stream, event.type, retries) == (3, "ponies", "happened", 2)
        session.close()


async def test_events_of_all_have_positions() -> None:
    group = Group()
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, None, "riders", 7)
        assert group.options.WhichOneof("source") == "all"
        group.outgoing.put_nowait(delivery(3))
        ((event, _),) = await session.next()
        assert event.position == Position(103, 103)
        session.close()


async def test_acknowledgements_name_events_as_they_were_received() -> None:
    group = Group()
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        group.outgoing.put_nowait(delivery(3, link=8))
        ((event, _),) = await session.next()
        session.ack([event])
        session.nack([event, event], NackAction.PARK, "lame")
        ack, nack = await group.requests(2)
        assert [each.structured.least_significant_bits for each in ack.ack.ids] == [9]
        assert (nack.nack.action, nack.nack.reason, len(nack.nack.ids)) == (1, "lame", 2)
        session.close()


async def test_a_closed_session_sends_acknowledgements_before_it_ends() -> None:
    group = Group()
    async with consuming(group) as (server, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        group.outgoing.put_nowait(delivery(3))
        ((event, _),) = await session.next()
        session.ack([event])
        session.close()
        session.close()
        session.ack([event])
        session.nack([event], NackAction.SKIP, "")
        await caller.channel.close()
        assert len(group.received) == 1
        assert [call.reset is not None for call in server.calls if call.request.path == messages.READ.path] == [True]
        assert isinstance(session.ending, (ClientClosed, SubscriptionDropped))


async def test_acknowledgements_that_arrive_late_are_read_before_the_end() -> None:
    group = Group()
    async with consuming(group) as (server, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        group.outgoing.put_nowait(delivery(3))
        ((event, _),) = await session.next()
        server.endpoints[0].transport.pause_reading()
        session.ack([event])
        session.close()
        closing = asyncio.ensure_future(caller.channel.close())
        await asyncio.sleep(3 * LEAVING_SECONDS)
        server.endpoints[0].transport.resume_reading()
        await closing
        assert len(group.received) == 1


async def test_closing_the_client_lets_the_consumer_acknowledge() -> None:
    group = Group()
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        group.outgoing.put_nowait(delivery(3))
        ((event, _),) = await session.next()
        session.before_end(lambda: session.ack([event]))
        await caller.channel.close()
        assert len(group.received) == 1
        assert session.ending is not None
        with pytest.raises((ClientClosed, SubscriptionDropped)):
            await session.next()


async def test_a_dropped_session_ends_with_the_reason() -> None:
    group = Group()
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        assert session.ending is None
        group.outgoing.put_nowait(DROPPED)
        with pytest.raises(SubscriptionDropped, match="dropped"):
            await session.next()
        assert session.ending == SubscriptionDropped("ponies", "dropped")
        assert not caller.channel.before_close
        session.ack([])
        session.close()


async def test_a_session_that_the_server_ends_is_dropped() -> None:
    group = Group()
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        group.outgoing.put_nowait(CallStatus(StatusCode.OK))
        with pytest.raises(SubscriptionDropped, match="the server ended the call"):
            await session.next()
        assert isinstance(session.ending, SubscriptionDropped)


async def test_a_session_is_dropped_if_the_server_or_a_proxy_fails() -> None:
    group = Group()
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        group.outgoing.put_nowait(CallStatus(StatusCode.INTERNAL, "a proxy failed"))
        with pytest.raises(SubscriptionDropped, match="a proxy failed"):
            await session.next()
        assert not caller.channel.before_close


async def test_a_call_that_ends_before_the_confirmation_is_dropped() -> None:
    group = Group()
    group.refusals.append(CallStatus(StatusCode.OK))
    async with consuming(group) as (_, caller):
        with pytest.raises(SubscriptionDropped):
            await connect_group(caller, "ponies", "riders", 7)


async def test_a_lost_connection_ends_the_session() -> None:
    group = Group()
    async with consuming(group) as (server, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        server.endpoints[0].transport.abort()
        with pytest.raises(ConnectionClosed):
            await session.next()


async def test_a_server_that_is_not_ready_is_retried() -> None:
    group = Group()
    group.refusals.append(NOT_READY)
    async with consuming(group) as (_, caller):
        session = await connect_group(caller, "ponies", "riders", 7)
        assert isinstance(session, GrpcConsumerSession)
        assert repr(session).startswith("<GrpcConsumerSession <Call PersistentSubscriptions.Read")


@pytest.mark.parametrize(
    ("status", "error"),
    [(MISSING, PersistentSubscriptionNotFound), (FULL, SubscriberLimitReached), (DROPPED, SubscriptionDropped)],
)
async def test_a_refused_consumer_gets_the_reason(status: CallStatus, error: type[Exception]) -> None:
    group = Group()
    group.refusals.append(status)
    async with consuming(group) as (_, caller):
        with pytest.raises(error):
            await connect_group(caller, "ponies", "riders", 7)


async def test_the_first_message_must_be_a_confirmation() -> None:
    group = Group()
    group.confirmation = messages.ReadResponse(event={})
    async with consuming(group) as (_, caller):
        with pytest.raises(MalformedReply, match="no confirmation"):
            await connect_group(caller, "ponies", "riders", 7)


async def test_a_cancelled_connect_cancels_the_call() -> None:
    silent = asyncio.Event()

    async def read(call: ServerCall) -> None:
        silent.set()
        await asyncio.Event().wait()

    handlers = {server_features.GET_SUPPORTED_METHODS.path: features(), messages.READ.path: read}
    async with serving(handlers) as server, calling(server.port) as caller:
        connecting = asyncio.ensure_future(connect_group(caller, "ponies", "riders", 7))
        await silent.wait()
        connecting.cancel()
        await asyncio.wait([connecting])
        while not any(call.reset for call in server.calls):
            await server.endpoints[0].progress.wait()


async def test_a_server_without_groups_on_all_gets_no_request() -> None:
    group = Group()
    handlers = {
        server_features.GET_SUPPORTED_METHODS.path: features([messages.READ], "21.10.0", optional=["stream"]),
        messages.READ.path: group.read,
    }
    async with serving(handlers) as server, calling(server.port) as caller:
        with pytest.raises(NotSupported, match=r"with the feature 'all'.* version 21\.10\.0 or later"):
            await connect_group(caller, None, "riders", 7)
        session = await connect_group(caller, "ponies", "riders", 7)
        session.close()
