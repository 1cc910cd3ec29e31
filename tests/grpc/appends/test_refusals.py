"""An embedded server refuses appends with the same errors over TCP and by each append method of gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from reactivex.subject import BehaviorSubject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import AccessDenied, RxPumpError, StreamDeleted, WrongExpectedVersion
from rxpump.grpc.appends.appends import Appends, GrpcAppender
from rxpump.grpc.calls.append import append
from rxpump.grpc.calls.delete import delete
from rxpump.model.acl import Acl
from rxpump.model.credentials import Credentials
from rxpump.model.metadata import StreamMetadata
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.model.status import Idle, Status
from rxpump.server import Account, EmbeddedServer, SqliteStore
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.transport import TcpTransport
from rxpump.uri import TcpAddress
from tests.grpc.clients import SETTINGS, calling

ANY, NO_STREAM, STREAM_EXISTS = ExpectedVersion.ANY, ExpectedVersion.NO_STREAM, ExpectedVersion.STREAM_EXISTS
OURO = Credentials("ouro", "secret")
ACCOUNTS = [Account("admin", "changeit", ("$admins",)), Account("ouro", "secret")]

Append = Callable[[str, int], Awaitable[Any]]
"""A function that appends an event to a stream with an expected version."""


def event() -> NewEvent:
    return NewEvent("happened", {})


@asynccontextmanager
async def writers() -> AsyncIterator[tuple[dict[str, Append], dict[str, Append]]]:
    """Yield functions that append and functions that delete as user ouro, by the name of the method or protocol."""
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, users=ACCOUNTS) as server:
        status: BehaviorSubject[Status] = BehaviorSubject(Idle())
        address = FixedAddress(TcpAddress("127.0.0.1", server.port, Credentials("admin", "changeit")))
        tcp = TcpTransport(address, SETTINGS, BackgroundTasks("refusals"), status.on_next)
        assert server.grpc_port is not None
        await tcp.open()
        try:
            await _prepare(tcp)
            async with calling(server.grpc_port, sends_in_clear=True, credentials=OURO) as caller:
                user, appends = tcp.as_user(OURO), Appends()
                yield (
                    {
                        "TCP": lambda stream, version: user.append(stream, [event()], version),
                        "BatchAppend": lambda stream, version: appends.append(caller, stream, [event()], version),
                        "Append": lambda stream, version: caller.request(append(stream, [event()], version)),
                        "appender": lambda stream, version: GrpcAppender(appends, caller, stream).append(
                            [event()], version
                        ),
                    },
                    {
                        "TCP": lambda stream, version: user.delete_stream(stream, version, hard=True),
                        "Tombstone": lambda stream, version: caller.request(delete(stream, version, hard=True)),
                    },
                )
        finally:
            await tcp.close()


async def _prepare(tcp: TcpTransport) -> None:
    """Create an existing stream, a deleted stream, and a stream to which ouro has no access."""
    for stream in ("ponies", "dead", "closed"):
        await tcp.append(stream, [event(), event()], ANY)
    await tcp.delete_stream("dead", ANY, hard=True)
    closed = StreamMetadata(acl=Acl(write=["$admins"], delete=["$admins"]))
    await tcp.append("$$closed", [NewEvent("$metadata", closed.to_json())], ANY)


async def refusal(change: Append, stream: str, version: int) -> RxPumpError:
    with pytest.raises(RxPumpError) as caught:
        await change(stream, version)
    return caught.value


@pytest.mark.parametrize(
    ("stream", "version", "error"),
    [
        ("ponies", 7, WrongExpectedVersion("ponies", 7, 1)),
        ("ponies", 0, WrongExpectedVersion("ponies", 0, 1)),
        ("ponies", NO_STREAM, WrongExpectedVersion("ponies", -1, 1)),
        ("missing", 0, WrongExpectedVersion("missing", 0, -1)),
        ("missing", STREAM_EXISTS, WrongExpectedVersion("missing", -4, -1)),
        ("dead", ANY, StreamDeleted("dead")),
        ("dead", NO_STREAM, StreamDeleted("dead")),
        ("dead", 1, StreamDeleted("dead")),
        ("closed", ANY, AccessDenied("write to", "closed", "ouro")),
    ],
)
async def test_an_append_is_refused_with_one_error(stream: str, version: int, error: RxPumpError) -> None:
    async with writers() as (appends, _):
        found = {name: await refusal(change, stream, version) for name, change in appends.items()}
    assert found == dict.fromkeys(found, error)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("stream", "error"),
    [("dead", StreamDeleted("dead")), ("closed", AccessDenied("delete", "closed", "ouro"))],
)
async def test_a_delete_is_refused_with_one_error(stream: str, error: RxPumpError) -> None:
    async with writers() as (_, deletes):
        found = {name: await refusal(change, stream, ANY) for name, change in deletes.items()}
    assert found == {"TCP": error, "Tombstone": error}


@pytest.mark.parametrize("version", [7, NO_STREAM])
async def test_a_delete_with_a_wrong_version_names_the_version(version: int) -> None:
    """Over TCP, real servers return the version from 22.6, and the embedded server never does."""
    async with writers() as (_, deletes):
        found = {name: await refusal(change, "ponies", version) for name, change in deletes.items()}
    assert found == {
        "TCP": WrongExpectedVersion("ponies", version, None),
        "Tombstone": WrongExpectedVersion("ponies", version, 1),
    }


async def test_a_repeated_append_has_one_result() -> None:
    async with writers() as (appends, _):
        assert len(appends) == 4
        results = [await change("new", ANY) for change in appends.values()]
        assert [result.last_event_number for result in results] == [0, 1, 2, 3]
        assert len({result.position for result in results}) == 4
