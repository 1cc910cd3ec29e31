"""Requests that a version of a server lacks. They fail with NotSupported, which names the version that has them.

The scripted servers list the methods that real servers of the version have. No request is sent to a server that lacks
the method.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import NotSupported, RxPumpError
from rxpump.grpc.dialer import Dialer, Node
from rxpump.grpc.features import ServerFeatures
from rxpump.grpc.messages import server_features, streams, streams_v2
from rxpump.grpc.messages.methods import Method, ServerVersion
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.nodes import OneNode
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.transport import GrpcTransport
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.indexes import IndexField, IndexFieldType
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import START, StreamDirection
from rxpump.model.projections import ProjectionMode
from tests.grpc.clients import SETTINGS, features
from tests.grpc.harness import Handler, Server, ServerCall, serving

VERSIONS = (
    "20.6.1",
    "21.6.0",
    "21.10.0",
    "21.10.1",
    "21.10.2",
    "22.10.5",
    "23.10.6",
    "24.10.4",
    "25.0.1",
    "25.1.0",
    "26.0.2",
    "26.0.3",
    "26.1.0",
    "26.2.0",
)
FIELD = IndexField("country", "rec => rec.value.country", IndexFieldType.STRING)
SETTING = PersistentSubscriptionSettings()
EVENTS = {"a": [NewEvent("A")], "b": [NewEvent("B")]}
LISTS_SINCE = ServerVersion(21, 10)
"""First version that lists its methods. An older one is known to have only those of version 20.6."""

Request = Callable[[GrpcTransport], Awaitable[object]]

REQUESTS: dict[str, tuple[str, Request]] = {
    "read an event": ("20.6.0", lambda each: each.read_event("s", 0, resolve_links=False)),
    "append": ("20.6.0", lambda each: each.append("s", [NewEvent("A")], -2)),
    "append at once": ("25.1.0", lambda each: each.append_many(EVENTS, {})),
    "append with checks": ("26.0.3", lambda each: each.append_many(EVENTS, {"c": 3})),
    "delete": ("20.6.0", lambda each: each.delete_stream("s", -2, hard=False)),
    "create a group": ("20.6.0", lambda each: each.create_group("s", "g", SETTING)),
    "create a group on all": ("21.10.0", lambda each: each.create_group(None, "g", SETTING)),
    "connect to a group": ("20.6.0", lambda each: each.connect_group("s", "g", 10)),
    "connect to a group on all": ("21.10.0", lambda each: each.connect_group(None, "g", 10)),
    "describe a group": ("21.10.1", lambda each: each.group_details("s", "g")),
    "list groups": ("21.10.1", lambda each: each.list_groups()),
    "list the groups of a stream": ("21.10.1", lambda each: each.list_groups_of("s")),
    "replay parked events": ("21.10.1", lambda each: each.replay_parked("s", "g")),
    "remove parked events": ("26.2.0", lambda each: each.truncate_parked("s", "g")),
    "restart groups": ("21.10.1", lambda each: each.restart_groups()),
    "scavenge": ("20.6.0", lambda each: each.scavenge()),
    "read gossip": ("20.6.0", lambda each: each.members()),
    "read statistics": ("21.6.0", lambda each: each.statistics()),
    "create a user": ("20.6.0", lambda each: each.users.create("u", "p", "U", [])),
    "read users": ("20.6.0", lambda each: each.users.read_all()),
    "create a projection": ("20.6.0", lambda each: _projection(each)),
    "create a projection that emits": ("20.6.0", lambda each: _projection(each, can_emit=True)),
    "create a projection that tracks": (
        "21.10.2",
        lambda each: _projection(each, can_emit=True, tracks_emitted=True),
    ),
    "create a projection of an engine": ("26.1.0", lambda each: _projection(each, engine_version=2)),
    "read an index": ("25.1.0", lambda each: anext(_index(each))),
    "follow an index": (
        "25.1.0",
        lambda each: each.indexes.follow("$idx-all", None, batch_size=1, resolve_links=False).next(),
    ),
    "create an index": ("26.0.0", lambda each: each.indexes.create("i", "", [], is_started=True)),
    "create an index with fields": ("26.0.0", lambda each: each.indexes.create("i", "", [FIELD], is_started=True)),
    "create an index for lookups": (
        "26.2.0",
        lambda each: each.indexes.create("i", "", [replace(FIELD, optimizes_lookups=True)], is_started=True),
    ),
    "list indexes": ("26.0.0", lambda each: each.indexes.all_details()),
}
"""Each request, after the first version that supports it."""


def _projection(transport: GrpcTransport, **options: Any) -> Awaitable[None]:
    options = {"can_emit": False, "tracks_emitted": False, "engine_version": None, **options}
    return transport.projections.create("p", "", ProjectionMode.CONTINUOUS, **options)


def _index(transport: GrpcTransport) -> Any:
    return transport.indexes.read("$idx-all", START, StreamDirection.FORWARD, batch_size=1, resolve_links=False)


def parsed(version: str) -> ServerVersion:
    return ServerVersion(*map(int, version.split(".")))


def methods_of(version: ServerVersion) -> list[Method]:
    return [method for method in METHODS.values() if method.since <= version]


@asynccontextmanager
async def connected(version: str) -> AsyncIterator[tuple[Server, GrpcTransport]]:
    """Run a server of a version, which refuses every request, and connect to it."""

    async def refuse(call: ServerCall) -> None:
        call.refuse(CallStatus(StatusCode.INVALID_ARGUMENT, "refused"))

    number = parsed(version)
    served: dict[str, Handler] = {method.path: refuse for method in methods_of(number)}
    if number >= LISTS_SINCE:
        served[server_features.GET_SUPPORTED_METHODS.path] = features(methods_of(number), version)
    async with serving(served) as server:
        node = OneNode(Node("127.0.0.1", server.port), SETTINGS)
        transport = GrpcTransport(
            node, Dialer(SETTINGS, None), SETTINGS, BackgroundTasks("versions"), lambda status: None
        )
        await transport.open()
        try:
            yield server, transport
        finally:
            await transport.close()


def requested(server: Server) -> list[str]:
    """Return the paths of the calls, except for those of the list of methods."""
    listing = server_features.GET_SUPPORTED_METHODS.path
    return [call.request.path for call in server.calls if call.request.path != listing]


@pytest.mark.parametrize("version", VERSIONS)
async def test_only_methods_that_the_server_has_are_called(version: str) -> None:
    async with connected(version) as (server, transport):
        for name, (since, request) in REQUESTS.items():
            before = len(requested(server))
            # A server before 21.10 does not list its methods, so it is treated like the oldest one.
            is_listed = parsed(version) >= LISTS_SINCE or since == "20.6.0"
            if parsed(version) >= parsed(since) and is_listed:
                with suppress(RxPumpError):
                    await request(transport)
                assert requested(server)[before:], name
                continue
            with pytest.raises(NotSupported) as refused:
                await request(transport)
            assert requested(server)[before:] == [], name
            assert f"version {since} or later" in refused.value.alternative, name
            named = f"version {version}" if parsed(version) >= LISTS_SINCE else "a version before 21.10"
            assert named in str(refused.value), name


async def test_the_first_method_of_each_version_is_used() -> None:
    """Several streams are written by AppendRecords if the server has it, and otherwise by AppendSession."""
    for version, method in (("25.1.0", streams_v2.APPEND_SESSION), ("26.1.0", streams_v2.APPEND_RECORDS)):
        async with connected(version) as (server, transport):
            with suppress(RxPumpError):
                await transport.append_many(EVENTS, {})
            assert requested(server) == [method.path]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("26.2.0-rc.1", ServerVersion(26, 2)),
        ("v24.10.5+4d3a", ServerVersion(24, 10, 5)),
        ("25.1", ServerVersion(25, 1)),
        ("23.10.6.0", ServerVersion(23, 10, 6)),
        ("preview", None),
        ("", None),
    ],
)
def test_a_version_can_have_a_suffix(text: str, version: ServerVersion | None) -> None:
    message = server_features.SupportedMethods(event_store_server_version=text)
    assert ServerFeatures.from_message(message).version == version


def test_names_of_methods_can_have_capital_letters() -> None:
    append = {"service_name": "event_store.client.streams.Streams", "method_name": "BatchAppend"}
    found = ServerFeatures.from_message(server_features.SupportedMethods(methods=[append]))
    assert found.has(streams.BATCH_APPEND)


def test_every_service_that_users_need_is_requested() -> None:
    """The requests of this test cover the first versions of all methods that a client calls."""
    unused = {"Shutdown", "MergeIndexes", "ResignNode", "SetNodePriority", "RestartPersistentSubscriptions"}
    versions = {method.since for method in METHODS.values() if str(method) not in unused}
    covered = {parsed(since) for since, _ in REQUESTS.values()}
    assert versions - covered == set()
