"""The system projections over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rxpump.grpc.messages import projections, server_features
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server import EmbeddedServer
from rxpump.server.projections.projector import Projector
from tests.server.grpc.caller import ADMIN, Answer, Caller, calling, event, serving
from tests.server.grpc.test_management import OPS, change

NAME = "$by_category"
ALL = ["$streams", "$stream_by_category", NAME, "$by_event_type", "$by_correlation_id"]


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    async with serving(insecure=True, projections=True) as server:
        yield server


async def statistics(caller: Caller, **mode: Any) -> list[Any]:
    answer = await change(caller, projections.STATISTICS, (), **mode)
    assert answer.code is StatusCode.OK
    return [message.details for message in answer.messages]


async def changed(caller: Caller, method: Method, name: str = NAME, **options: Any) -> Answer:
    return await change(caller, method, (), name=name, **options)


async def count_events(server: EmbeddedServer, stream: str, count: int) -> int:
    """Wait until a stream has at least `count` events, and return the number of its events."""
    while (found := server.store.read.stream(stream)) is None or found.last + 1 < count:
        await asyncio.sleep(0.001)
    return found.last + 1


async def test_statistics_describe_the_system_projections(server: EmbeddedServer, caller: Caller) -> None:
    await caller.append("a-1", event(), event())
    await count_events(server, "$ce-a", 2)
    [one] = await statistics(caller, name=NAME)
    assert (one.name, one.effective_name, one.status, one.mode) == (NAME, NAME, "Running", "Continuous")
    assert (one.last_checkpoint, one.position[:2]) == ("C:0/P:-1", "C:")
    of_all: list[dict[str, Any]] = [{"all": {}}, {"continuous": {}}, {"name": ""}, {}]
    for options in of_all:
        assert [each.name for each in await statistics(caller, **options)] == ALL
    for mode in ("transient", "one_time"):
        assert await statistics(caller, **{mode: {}}) == []


async def test_a_disabled_projection_continues_when_enabled(server: EmbeddedServer, caller: Caller) -> None:
    await caller.append("a-1", event(), event())
    await count_events(server, "$ce-a", 2)
    assert (await changed(caller, projections.DISABLE, write_checkpoint=True)).code is StatusCode.OK
    [stopped] = await statistics(caller, name=NAME)
    assert (stopped.status, stopped.last_checkpoint) == ("Stopped", stopped.position)
    assert stopped.last_checkpoint != "C:0/P:-1"
    await caller.append("a-1", event(), event())
    assert await count_events(server, "$category-a", 1) == 1
    assert await count_events(server, "$ce-a", 2) == 2
    for _ in range(2):
        assert (await changed(caller, projections.ENABLE)).code is StatusCode.OK
    assert await count_events(server, "$ce-a", 4) == 4


async def test_an_aborted_projection_saves_no_checkpoint(server: EmbeddedServer, caller: Caller) -> None:
    await caller.append("a-1", event())
    await count_events(server, "$ce-a", 1)
    await changed(caller, projections.DISABLE)
    [aborted] = await statistics(caller, name=NAME)
    assert (aborted.status, aborted.last_checkpoint) == ("Aborted", "C:0/P:-1")
    await changed(caller, projections.ENABLE)
    await caller.append("a-1", event())
    assert await count_events(server, "$ce-a", 2) == 2


@pytest.mark.parametrize("runs", [True, False])
async def test_a_reset_writes_no_link_twice(server: EmbeddedServer, caller: Caller, *, runs: bool) -> None:
    await caller.append("a-1", event(), event())
    await count_events(server, "$ce-a", 2)
    if not runs:
        await changed(caller, projections.DISABLE, write_checkpoint=True)
    assert (await changed(caller, projections.RESET)).code is StatusCode.OK
    [details] = await statistics(caller, name=NAME)
    assert details.status == ("Running" if runs else "Stopped")
    await changed(caller, projections.ENABLE)
    await caller.append("a-1", event())
    assert await count_events(server, "$ce-a", 3) == 3


async def test_the_projections_are_restarted(server: EmbeddedServer, caller: Caller) -> None:
    await changed(caller, projections.DISABLE, "$streams", write_checkpoint=True)
    assert (await caller.ask(projections.RESTART_SUBSYSTEM, b"")).code is StatusCode.OK
    statuses = {each.name: each.status for each in await statistics(caller, all={})}
    assert statuses == dict.fromkeys(ALL, "Running") | {"$streams": "Stopped"}
    await caller.append("a-1", event())
    assert await count_events(server, "$ce-a", 1) == 1


async def test_system_projections_have_no_state(caller: Caller) -> None:
    state = await changed(caller, projections.STATE)
    assert state.only.state.WhichOneof("kind") == "struct_value"
    result = await changed(caller, projections.RESULT)
    assert result.only.result.WhichOneof("kind") == "struct_value"


@pytest.mark.parametrize(
    "method",
    [
        projections.STATISTICS,
        projections.STATE,
        projections.RESULT,
        projections.ENABLE,
        projections.DISABLE,
        projections.RESET,
        projections.UPDATE,
        projections.DELETE,
    ],
)
async def test_an_unknown_projection_is_not_found(caller: Caller, method: Method) -> None:
    answer = await changed(caller, method, "nope")
    assert (answer.code, answer.status.message) == (StatusCode.NOT_FOUND, "Projection 'nope' not found")


async def test_only_system_projections_are_served(caller: Caller) -> None:
    """Unlike a real server, the embedded one cannot execute JavaScript."""
    text = "This server runs only the system projections. It cannot "
    await changed(caller, projections.DISABLE, write_checkpoint=True)
    for answer in (
        await change(caller, projections.CREATE, (), continuous={"name": "mine"}, query="fromAll()"),
        await change(caller, projections.CREATE, (), one_time={}, query="fromAll()"),
        await changed(caller, projections.UPDATE, query="fromAll()"),
        await changed(caller, projections.DELETE),
    ):
        assert answer.code is StatusCode.UNIMPLEMENTED
        assert answer.status.message.startswith(text)
    conflict = await change(caller, projections.CREATE, (), continuous={"name": NAME}, query="fromAll()")
    assert (conflict.code, "received Conflict" in conflict.status.message) == (StatusCode.UNKNOWN, True)
    for method in (projections.ENABLE, projections.STATISTICS):
        assert (await caller.ask(method, b"")).code is StatusCode.UNKNOWN


@pytest.mark.parametrize("is_aborted", [False, True])
async def test_a_projection_that_is_not_stopped_cannot_be_deleted(caller: Caller, is_aborted: bool) -> None:
    if is_aborted:
        await changed(caller, projections.DISABLE, write_checkpoint=False)
    answer = await changed(caller, projections.DELETE)
    assert answer.code is StatusCode.UNKNOWN
    assert answer.status.message.startswith("Envelope callback expected Updated, received OperationFailed instead. ")


async def test_a_failed_projection_says_why(
    server: EmbeddedServer, caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await changed(caller, projections.DISABLE, write_checkpoint=True)

    async def run(_: Projector) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Projector, "run", run)
    await changed(caller, projections.ENABLE)
    [details] = await statistics(caller, name=NAME)
    assert (details.status, details.state_reason) == ("Faulted", "broken")
    assert "the projection $by_category has failed" in caplog.text


async def test_projections_need_a_login() -> None:
    async with serving(projections=True) as server, calling(server) as caller:
        for method in (projections.STATISTICS, projections.ENABLE, projections.STATE):
            assert (await change(caller, method, (), name=NAME)).error == "access-denied"
            assert (await change(caller, method, OPS, name=NAME)).code is StatusCode.OK
        assert (await caller.ask(projections.RESTART_SUBSYSTEM, b"")).error == "access-denied"
        assert (await caller.ask(projections.RESTART_SUBSYSTEM, b"", metadata=ADMIN)).code is StatusCode.OK


async def test_a_server_without_projections_lists_no_methods() -> None:
    async with serving(insecure=True) as server, calling(server) as caller:
        answer = await changed(caller, projections.STATISTICS)
        assert (answer.code, answer.status.message) == (StatusCode.UNIMPLEMENTED, "Service is unimplemented.")
        methods = (await caller.ask(server_features.GET_SUPPORTED_METHODS, b"")).only.methods
        assert not [each for each in methods if "projections" in each.service_name]
    async with serving(insecure=True, projections=True) as server, calling(server) as caller:
        methods = (await caller.ask(server_features.GET_SUPPORTED_METHODS, b"")).only.methods
        [created] = [
            each for each in methods if each.service_name.endswith("projections") and each.method_name == "create"
        ]
        assert list(created.features) == ["track_emitted_streams"]
