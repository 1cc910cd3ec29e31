"""Details of consumer groups over gRPC in which TCP differs, or that only an answer about a group shows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rxpump.grpc.messages import persistent_subscriptions as ps
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server import EmbeddedServer
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import RawClient
from tests.server.grpc.caller import ADMIN, BINARY, Caller, calling, event, serving
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
    park,
    parked_request,
    types,
    wait_until_parked,
)

FILTER = {"event_type": {"regex": "^[a-z]"}, "count": {}}


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


@pytest.mark.parametrize("stream", ["s", None])
async def test_a_checkpoint_is_a_text(server: EmbeddedServer, caller: Caller, stream: str | None) -> None:
    await append(caller, "a", "b")
    await create(caller, of_all(start={}, filter=FILTER) if stream is None else None)
    call = await connect(caller, stream)
    first, second = await call.take(2)
    await call.send(ack(first))
    name = f"$persistentsubscription-{stream or '$all'}::g-checkpoint"
    while not (found := await caller.events(name, resolve_links=False)):
        await asyncio.sleep(0)
    [event] = found
    position = first.event.event.commit_position
    assert dict(event.metadata)["type"] == "$SubscriptionCheckpoint"
    assert json.loads(event.data) == ("0" if stream else f"C:{position}/P:{position}")
    server.restart_groups()
    again = await (await connect(caller, stream)).take(1)
    assert again[0].event.event.id == second.event.event.id


async def test_replayed_events_are_no_parked_ones(caller: Caller) -> None:
    call = await park(caller, *"abc")
    await caller.ask(ps.REPLAY_PARKED, parked_request({"stop_at": 2}))
    [first, _] = await call.take(2)
    assert (await info(caller)).parked_message_count == 1
    await call.send(nack(1, first))
    await wait_until_parked(caller, 2)
    await caller.ask(ps.REPLAY_PARKED, parked_request({"stop_at": 1}))
    assert types(await call.take(1)) == ["c"]
    assert (await info(caller)).parked_message_count == 1


async def test_a_parked_event_is_the_target_of_a_link(caller: Caller) -> None:
    """A real server links to the event that was delivered, and does not replay events that are no longer there."""
    await append(caller, "a", "b", stream="target")
    links = [event("$>", link, content_type=BINARY) for link in (b"0@target", b"1@target", b"2@target")]
    await caller.append("s", *links)
    await create(caller, resolve_links=True)
    call = await connect(caller)
    await call.send(nack(1, *await call.take(3)))
    await wait_until_parked(caller, 3)
    parked = await caller.events("$persistentsubscription-s::g-parked", resolve_links=False)
    assert [each.data for each in parked] == [b"0@target", b"1@target", b"2@target"]
    assert [json.loads(each.custom_metadata).get("subscriptionEventNumber") for each in parked] == [None, 1, 2]
    await caller.ask(ps.REPLAY_PARKED, parked_request({"no_limit": {}}))
    again = await call.take(2)
    assert types(again) == ["a", "b"]
    await call.send(nack(1, again[1]))
    await wait_until_parked(caller, 1)
    parked = await caller.events("$persistentsubscription-s::g-parked", resolve_links=False)
    assert parked[-1].data == b"1@target"
    assert json.loads(parked[-1].custom_metadata)["subscriptionEventNumber"] == 1


async def test_the_configuration_has_the_type_of_current_versions(server: EmbeddedServer, caller: Caller) -> None:
    await create(caller)
    await create(caller, group="other")
    found = await caller.events("$persistentSubscriptionConfig")
    assert [each.metadata["type"] for each in found] == ["$PersistentConfig"] * 2
    server.restart_groups()
    await connect(caller, group="other")


async def test_the_state_of_a_group_depends_on_its_unread_events(caller: Caller) -> None:
    """A real server fills the buffer of a group before a consumer connects, which takes it a few milliseconds."""
    sizes: dict[str, Any] = {"read_batch_size": 5, "history_buffer_size": 12}
    await append(caller, *"abcdefghij")
    await create(caller, **sizes)
    await create(caller, of_all(), **sizes)
    filtered = {"event_type": {"prefix": ["x"]}, "count": {}}
    await create(caller, of_all(start={}, filter=filtered), "filtered", **sizes)
    for stream in ("s", None):
        # The log also has the events that created the groups, so its group has unread events.
        assert (await info(caller, stream)).status == ("Live" if stream else "Behind")
    await append(caller, "k")
    assert (await info(caller)).status == "Behind"
    assert (await info(caller, None, "filtered")).status == "Live"
    call = await connect(caller, slots=11)
    await call.take(11)
    assert (await info(caller)).status == "Live"


async def test_the_last_known_event_is_the_last_that_was_read(caller: Caller) -> None:
    async def known(stream: str | None, group: str) -> tuple[str, int]:
        found = await info(caller, stream, group)
        return found.last_known_event_position, found.read_buffer_count

    await append(caller, *"abc")
    last = (await caller.events("s"))[-1].commit_position
    await create(caller)
    await create(caller, of_stream(start={"end": {}}), "from the end")
    await create(caller, of_all(start={}, filter=FILTER), "filtered")
    assert await known("s", "g") == ("2", 3)
    assert await known("s", "from the end") == ("", 0)
    assert await known(None, "filtered") == (f"C:{last}/P:{last}", 3)
    call = await connect(caller, slots=2)
    await call.take(2)
    assert await known("s", "g") == ("2", 1)
    await append(caller, "d")
    assert await known("s", "from the end") == ("3", 1)


async def test_the_live_buffer_keeps_the_events_since_the_creation(caller: Caller) -> None:
    async def live(stream: str | None = "s") -> int:
        return int((await info(caller, stream)).live_buffer_count)

    await append(caller, "a", "b")
    await create(caller, live_buffer_size=2)
    await create(caller, of_all(), live_buffer_size=500)
    assert await live() == 0
    of_log = await live(None)
    await append(caller, "c")
    assert (await live(), await live(None)) == (1, of_log + 1)
    await append(caller, "d", "e")
    assert await live() == 2
    assert (await caller.ask(ps.UPDATE, ps.UpdateRequest(options=changed(of_stream())))).code is StatusCode.OK
    assert await live() == 0


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


async def test_a_settled_event_frees_the_slot_that_it_takes(caller: Caller) -> None:
    await append(caller, *"abc")
    await create(caller)
    holder = await connect(caller, slots=1)
    [first] = await holder.take(1)
    other = await connect(caller, slots=1)
    [second] = await other.take(1)
    await other.send(ack(first))
    assert types(await holder.take(1)) == ["c"]
    await holder.send(nack(3, second))
    await append(caller, "d")
    assert types(await other.take(1)) == ["d"]


async def test_latencies_are_measured_if_the_settings_enable_them(caller: Caller) -> None:
    async def measured() -> list[str]:
        [connection] = (await info(caller)).connections
        return [each.key for each in connection.observed_measurements]

    await append(caller, *"abc")
    await create(caller, extra_statistics=True)
    await create(caller, group="other")
    call, other = await connect(caller), await connect(caller, group="other")
    first, second, _ = await call.take(3)
    assert await measured() == []
    await call.send(ack(first))
    await call.send(nack(3, second))
    await other.send(ack(*await other.take(3)))
    while (await info(caller)).total_in_flight_messages > 1:
        await asyncio.sleep(0)
    assert (await measured())[:3] == ["Mean", "Median", "Fastest"]
    [connection] = (await info(caller, group="other")).connections
    assert list(connection.observed_measurements) == []


async def test_a_stream_whose_groups_were_deleted_has_an_empty_list(server: EmbeddedServer, caller: Caller) -> None:
    of_s = {"list_for_stream": {"stream": {"stream_name": b"s"}}}

    async def listed() -> Any:
        return await caller.ask(ps.LIST, ps.ListRequest(options=of_s))

    assert (await listed()).error == "persistent-subscription-does-not-exist"
    await create(caller)
    assert (await caller.ask(ps.DELETE, ps.DeleteRequest(options=named("s")))).code is StatusCode.OK
    assert list((await listed()).only.subscriptions) == []
    server.restart_groups()
    assert (await listed()).error == "persistent-subscription-does-not-exist"


async def test_a_negative_number_of_parked_events_is_refused(caller: Caller) -> None:
    await create(caller)
    for method, reason in (
        (ps.REPLAY_PARKED, "Cannot stop replaying parked message at a negative version."),
        (ps.TRUNCATE_PARKED, "Cannot truncate parked messages at a negative version."),
    ):
        answer = await caller.ask(method, parked_request({"stop_at": -1}))
        assert answer.error == "persistent-subscription-failed"
        assert reason in answer.status.message


async def test_only_consumers_over_tcp_have_an_address() -> None:
    """As on a real server: a consumer over gRPC has an empty one."""
    async with serving() as server, calling(server, ADMIN) as caller, RawClient.to(server) as client:
        await create(caller)
        await connect(caller)
        identity = schema.IdentifyClient(version=1, connection_name="over TCP")
        await client.ask(Command.IDENTIFY_CLIENT, identity)
        request = schema.ConnectToPersistentSubscription(
            event_stream_id="s", subscription_id="g", allowed_in_flight_messages=3
        )
        await client.ask(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, request)
        over_grpc, over_tcp = (await info(caller)).connections
        address = "{}:{}".format(*client.writer.get_extra_info("sockname"))
        assert (over_grpc.username, getattr(over_grpc, "from")) == ("admin", "")
        assert (over_tcp.username, getattr(over_tcp, "from")) == ("anonymous", address)
        assert over_tcp.connection_name == "over TCP"


async def test_only_links_are_delivered_as_links(caller: Caller) -> None:
    """An event with the type of a link but other data is an ordinary event, as in a read."""
    await append(caller, "a", stream="target")
    links = [event("$>", data, content_type=BINARY) for data in (b"0@target", b"9@target", b"7", b"nonsense", b"")]
    await caller.append("s", *links)
    await create(caller, resolve_links=True)
    call = await connect(caller)
    events = [each.event for each in await call.take(5)]
    assert [(each.HasField("event"), each.HasField("link")) for each in events] == [
        (True, True),
        *[(False, True)] * 2,
        *[(True, False)] * 2,
    ]
    assert events[3].event.data == b"nonsense"
    await call.send(ps.ReadRequest(ack={"ids": [each.event.id for each in events[3:]]}))
    while (await info(caller)).total_in_flight_messages > 3:
        await asyncio.sleep(0)


async def test_a_list_is_sorted_by_the_letters_of_the_streams(caller: Caller) -> None:
    for stream in ("b", "A", "a", "B"):
        await create(caller, of_stream(stream))
    await create(caller, of_all())
    answer = await caller.ask(ps.LIST, ps.ListRequest(options={"list_all_subscriptions": {}}))
    assert [each.event_source for each in answer.only.subscriptions] == ["$all", "a", "A", "b", "B"]


async def test_rates_are_cut_to_whole_numbers(server: EmbeddedServer, caller: Caller) -> None:
    await create(caller)
    await connect(caller)
    running = server.groups.find("s", "g")
    assert running is not None
    [consumer] = running.group.consumers.values()
    running.measurement.per_second = consumer.measurement.per_second = 3.9
    found = await info(caller)
    assert (found.average_per_second, found.connections[0].average_items_per_second) == (3, 3)
