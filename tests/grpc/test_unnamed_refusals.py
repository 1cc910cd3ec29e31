"""Refusals that a server cannot send, because the name is not printable ASCII. Another request shows the reason."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import rxpump
from rxpump.errors import (
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    RxPumpError,
    ServerFailed,
    StreamDeleted,
    WrongExpectedVersion,
)
from rxpump.grpc.messages import persistent_subscriptions as groups
from rxpump.grpc.messages import streams
from rxpump.model.positions import ExpectedVersion
from tests.grpc.clients import handlers
from tests.grpc.harness import Handler, ServerCall, serving
from tests.grpc.interruptions import answers
from tests.grpc.reads.read_server import event, last, not_found
from tests.grpc.test_followers import answering

NAME = "prénom"


async def refuse(call: ServerCall) -> None:
    await anext(call)
    answers("500", "application/grpc")(call)


def reading(*found: Any) -> Handler:
    """Return a handler of Read, which sends responses."""

    async def answer(call: ServerCall) -> None:
        await anext(call)
        call.start()
        for each in found:
            await call.send(each.SerializeToString())
        call.finish()

    return answer


def soft_deleted() -> Handler:
    """Return a handler of Read, for a stream that has metadata only."""

    async def answer(call: ServerCall) -> None:
        name = streams.ReadRequest.FromString(await anext(call)).options.stream.stream_identifier.stream_name
        call.start()
        response = event(0) if name.startswith(b"$$") else not_found()
        await call.send(response.SerializeToString())
        call.finish()

    return answer


@asynccontextmanager
async def connected(served: dict[str, Handler]) -> AsyncIterator[rxpump.Client]:
    async with (
        serving(served) as server,
        rxpump.connect(f"kurrentdb://127.0.0.1:{server.port}?tls=false") as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("read", "expected", "error"),
    [
        (reading(event(4), last(4)), 7, WrongExpectedVersion(NAME, 7, 4)),
        (reading(not_found()), ExpectedVersion.ANY, WrongExpectedVersion(NAME, -2, -1)),
        (soft_deleted(), ExpectedVersion.STREAM_EXISTS, StreamDeleted(NAME)),
        (soft_deleted(), 3, WrongExpectedVersion(NAME, 3, None)),
        (refuse, 3, StreamDeleted(NAME)),
    ],
)
@pytest.mark.parametrize("hard", [False, True])
async def test_a_refused_deletion_has_its_error(read: Handler, expected: int, error: RxPumpError, hard: bool) -> None:
    async with connected(handlers(Delete=refuse, Tombstone=refuse, Read=read)) as client:
        with pytest.raises(type(error)) as raised:
            await client.delete_stream(NAME, expected_version=expected, hard=hard)
        assert raised.value == error


async def test_a_deletion_without_a_known_reason_failed() -> None:
    async with connected(handlers(Delete=refuse, Read=reading(event(4), last(4)))) as client:
        with pytest.raises(ServerFailed, match="not printable ASCII"):
            await client.delete_stream(NAME, expected_version=4)


REQUESTS: dict[str, Callable[[rxpump.Client], Awaitable[Any]]] = {
    "Create": lambda client: client.create_subscription("g", NAME),
    "Update": lambda client: client.update_subscription("g", NAME),
    "Read": lambda client: anext(aiter(client.connect_subscription("g", NAME))),
}
FOUND = groups.GetInfoResponse(subscription_info={"event_source": NAME, "group_name": "g"})


@pytest.mark.parametrize(
    ("method", "info", "error"),
    [
        ("Create", answering(FOUND), PersistentSubscriptionExists(NAME, "g")),
        ("Create", refuse, PersistentSubscriptionFailed(NAME, "g")),
        ("Update", answering(FOUND), PersistentSubscriptionFailed(NAME, "g")),
        ("Update", refuse, PersistentSubscriptionNotFound(NAME, "g")),
        ("Read", refuse, PersistentSubscriptionNotFound(NAME, "g")),
    ],
)
async def test_a_refused_request_about_a_group_has_its_error(method: str, info: Handler, error: RxPumpError) -> None:
    path = groups.READ.path.replace("/Read", f"/{method}")
    async with connected(handlers() | {path: refuse, groups.GET_INFO.path: info}) as client:
        with pytest.raises(type(error)) as raised:
            await REQUESTS[method](client)
        assert raised.value == error
