"""Details of consumer groups over gRPC in which TCP differs, or that only an answer about a group shows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxpump.grpc.messages import persistent_subscriptions as ps
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server import EmbeddedServer
from tests.server.grpc.caller import Caller
from tests.server.grpc.test_groups import (
    SETTINGS,
    ack,
    append,
    changed,
    connect,
    create,
    info,
    nack,
    named,
    of_all,
    of_stream,
    types,
    wait_until_parked,
)


async def test_nothing_is_read_after_an_unknown_action(caller: Caller) -> None:
    """The events stay in flight until they time out or the call ends. The call continues to deliver events."""
    await append(caller, *"ab")
    await create(caller)
    call = await connect(caller)
    first, second = await call.take(2)
    await call.send(nack(5, first))
    await call.send(nack(1, first))
    await call.send(ack(second))
    await append(caller, "c")
    assert types(await call.take(1)) == ["c"]
    assert (await info(caller)).total_in_flight_messages == 3
    call.cancel()
    again = await (await connect(caller)).take(3)
    assert [(each.event.event.metadata["type"], each.event.retry_count) for each in again] == [
        ("a", 1),
        ("b", 1),
        ("c", 1),
    ]


@pytest.mark.parametrize("timeout", [{}, {"message_timeout_ms": 0}, {"message_timeout_ms": -5}])
async def test_a_timeout_of_zero_passes_at_the_next_tick(
    server: EmbeddedServer, caller: Caller, timeout: dict[str, int]
) -> None:
    await append(caller, "a")
    settings = {key: value for key, value in SETTINGS.items() if key != "message_timeout_ms"}
    options = {"group_name": "g", "settings": {**settings, **timeout}, **of_stream()}
    assert (await caller.ask(ps.CREATE, ps.CreateRequest(options=options))).code is StatusCode.OK
    call = await connect(caller)
    [first] = await call.take(1)
    assert first.event.retry_count == 0
    running = server.groups.find("s", "g")
    assert running is not None
    running.tick(asyncio.get_running_loop().time())
    [again] = await call.take(1)
    assert again.event.retry_count == 1
    running.tick(asyncio.get_running_loop().time())
    await wait_until_parked(caller, 1)


async def test_the_state_of_a_group_depends_on_its_unread_events(caller: Caller) -> None:
    """A real server fills the buffer of a group before a consumer connects, which takes it a few milliseconds."""
    sizes: dict[str, Any] = {"read_batch_size": 5, "history_buffer_size": 12}
    await append(caller, *"abcdefghij")
    await create(caller, **sizes)
    await create(caller, of_all(), **sizes)
    filtered = {"event_type": {"prefix": ["x"]}, "count": {}}
    await create(caller, of_all(start={}, filter=filtered), "filtered", **sizes)
    for stream in ("s", None):
        # The log has events of groups.
        assert (await info(caller, stream)).status == ("Live" if stream else "Behind")
    await append(caller, "k")
    assert (await info(caller)).status == "Behind"
    assert (await info(caller, None, "filtered")).status == "Live"
    call = await connect(caller, slots=11)
    await call.take(11)
    assert (await info(caller)).status == "Live"


async def test_an_update_needs_a_start(caller: Caller) -> None:
    """A real server words the error of the two kinds of groups differently."""
    await create(caller)
    no_start = {"stream": {"stream_identifier": {"stream_name": b"s"}}}
    answer = await caller.ask(ps.UPDATE, ps.UpdateRequest(options=changed(no_start)))
    assert answer.code is StatusCode.INVALID_ARGUMENT
    assert answer.status.message.endswith(".UpdateReq+Types+StreamOptions+RevisionOptionOneofCase")
    answer = await caller.ask(ps.UPDATE, ps.UpdateRequest(options=changed({"all": {}})))
    assert answer.code is StatusCode.UNKNOWN


async def test_a_group_is_found_by_the_name_of_all_streams(caller: Caller) -> None:
    """Only a group that is created, updated or deleted needs the option `all`."""
    await create(caller, of_all())
    assert (await info(caller, "$all")).event_source == "$all"
    of_name = {"list_for_stream": {"stream": {"stream_name": b"$all"}}}
    assert len((await caller.ask(ps.LIST, ps.ListRequest(options=of_name))).only.subscriptions) == 1
    await connect(caller, "$all")
    for method, request in (
        (ps.UPDATE, ps.UpdateRequest(options=changed(of_stream("$all")))),
        (ps.DELETE, ps.DeleteRequest(options=named("$all"))),
    ):
        answer = await caller.ask(method, request)
        assert answer.code is StatusCode.UNKNOWN
        assert f"{method}PersistentSubscriptionToAllCompleted" in answer.status.message
