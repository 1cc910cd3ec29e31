"""Consumer groups over gRPC."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from rxpump.grpc.messages import persistent_subscriptions as ps
from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.strictness import Strictness
from tests.server.grpc.caller import ADMIN, BINARY, Answer, Caller, OpenCall, calling, event, serving
from tests.server.talk import Talk

SETTINGS: dict[str, Any] = {
    "max_retry_count": 1,
    "min_checkpoint_count": 1,
    "max_checkpoint_count": 1,
    "live_buffer_size": 500,
    "read_batch_size": 20,
    "history_buffer_size": 500,
    "message_timeout_ms": 30_000,
    "checkpoint_after_ms": 2_000,
    "consumer_strategy": "RoundRobin",
}
OPS = (("authorization", "Basic b3BzOmNoYW5nZWl0"),)


def of_stream(stream: str = "s", start: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"stream": {"stream_identifier": {"stream_name": stream.encode()}, **(start or {"start": {}})}}


def of_all(**options: Any) -> dict[str, Any]:
    start = options or {"start": {}}
    return {"all": {"no_filter": {}, **start} if "filter" not in start else start}


def changed(source: dict[str, Any], group: str = "g", **settings: Any) -> dict[str, Any]:
    return {"group_name": group, "settings": {**SETTINGS, **settings}, **source}


async def create(caller: Caller, source: dict[str, Any] | None = None, group: str = "g", **settings: Any) -> Answer:
    options = changed(of_stream() if source is None else source, group, **settings)
    return await caller.ask(ps.CREATE, ps.CreateRequest(options=options))


def named(stream: str | None, group: str = "g") -> dict[str, Any]:
    source = {"all": {}} if stream is None else {"stream_identifier": {"stream_name": stream.encode()}}
    return {**source, "group_name": group}


async def connect(caller: Caller, stream: str | None = "s", group: str = "g", slots: int = 10) -> OpenCall:
    options = {**named(stream, group), "buffer_size": slots, "uuid_option": {"string": {}}}
    call = await caller.open(ps.READ, ps.ReadRequest(options=options))
    confirmation = (await call.next()).subscription_confirmation
    assert confirmation.subscription_id == f"{'$all' if stream is None else stream}::{group}"
    return call


async def info(caller: Caller, stream: str | None = "s", group: str = "g") -> Any:
    answer = await caller.ask(ps.GET_INFO, ps.GetInfoRequest(options=named(stream, group)))
    return answer.only.subscription_info


def ack(*events: Any) -> Any:
    return ps.ReadRequest(ack={"ids": [each.event.event.id for each in events]})


def nack(action: int, *events: Any) -> Any:
    ids = [each.event.link.id if each.event.HasField("link") else each.event.event.id for each in events]
    return ps.ReadRequest(nack={"ids": ids, "action": action, "reason": "because"})


def types(events: list[Any]) -> list[str]:
    return [each.event.event.metadata["type"] for each in events]


async def append(caller: Caller, *names: str, stream: str = "s") -> None:
    assert (await caller.append(stream, *map(event, names))).code is StatusCode.OK


async def test_a_group_delivers_and_goes_on(caller: Caller) -> None:
    await append(caller, "a", "b", "c")
    await create(caller)
    call = await connect(caller)
    events = await call.take(3)
    assert types(events) == ["a", "b", "c"]
    first = events[0].event
    assert first.event.commit_position == first.commit_position > 0
    assert (first.retry_count, first.WhichOneof("count")) == (0, "retry_count")
    await call.send(ack(*events))
    await append(caller, "d")
    assert types(await call.take(1)) == ["d"]


async def test_slots_limit_the_events_in_flight(caller: Caller) -> None:
    await append(caller, *"abcd")
    await create(caller)
    call = await connect(caller, slots=2)
    first, second = await call.take(2)
    await call.send(ack(first))
    assert types(await call.take(1)) == ["c"]
    found = await info(caller)
    assert found.total_in_flight_messages == found.outstanding_messages_count == 2
    [connection] = found.connections
    assert (connection.in_flight_messages, connection.available_slots, connection.total_items) == (2, 0, 3)
    await call.send(ack(second))
    assert types(await call.take(1)) == ["d"]


async def test_nacks_retry_park_and_skip(caller: Caller) -> None:
    await append(caller, *"abcd")
    await create(caller)
    call = await connect(caller)
    retried, parked, skipped, unknown = await call.take(4)
    for action, each in ((2, retried), (1, parked), (3, skipped), (0, unknown)):
        await call.send(nack(action, each))
    again = await call.take(2)
    assert {(each.event.event.metadata["type"], each.event.retry_count) for each in again} == {("a", 1), ("d", 1)}
    assert (await info(caller)).parked_message_count == 1
    await call.send(nack(2, again[0]))  # The second retry parks the event.
    await wait_until_parked(caller, 2)
    [link, _] = await caller.events("$persistentsubscription-s::g-parked")
    assert link.data == b"1@s"
    assert json.loads(link.custom_metadata)["reason"] == "Client explicitly NAK'ed message.\nbecause"


async def wait_until_parked(caller: Caller, count: int, stream: str | None = "s") -> None:
    while (await info(caller, stream)).parked_message_count != count:
        await asyncio.sleep(0)


async def park(caller: Caller, *names: str) -> OpenCall:
    """Write events of these types, deliver and park them, and return the call of their consumer."""
    await append(caller, *names)
    await create(caller)
    call = await connect(caller)
    await call.send(nack(1, *await call.take(len(names))))
    await wait_until_parked(caller, len(names))
    return call


def parked_request(limit: dict[str, Any], group: str = "g") -> Any:
    return ps.ParkedEventsRequest(options={**named("s", group), **limit})


async def test_parked_events_are_replayed(caller: Caller) -> None:
    call = await park(caller, *"abc")
    assert (await caller.ask(ps.REPLAY_PARKED, parked_request({"stop_at": 2}))).code is StatusCode.OK
    events = await call.take(2)
    assert types(events) == ["a", "b"]
    assert events[0].event.link.data == b"0@s"
    assert events[0].event.commit_position == events[0].event.link.commit_position
    await call.send(ps.ReadRequest(ack={"ids": [each.event.link.id for each in events]}))
    await wait_until_parked(caller, 1)
    await caller.ask(ps.REPLAY_PARKED, parked_request({"no_limit": {}}))
    assert types(await call.take(1)) == ["c"]


async def test_parked_events_are_truncated(caller: Caller) -> None:
    await park(caller, *"abc")
    for limit, left in (({"stop_at": 0}, 3), ({"stop_at": 1}, 2), ({"no_limit": {}}, 0)):
        assert (await caller.ask(ps.TRUNCATE_PARKED, parked_request(limit))).code is StatusCode.OK
        await wait_until_parked(caller, left)


async def test_a_replay_needs_a_limit(caller: Caller) -> None:
    await create(caller)
    assert (await caller.ask(ps.REPLAY_PARKED, parked_request({}))).code is StatusCode.UNKNOWN
    answer = await caller.ask(ps.REPLAY_PARKED, parked_request({"stop_at": -1}))
    assert answer.error == "persistent-subscription-failed"
    answer = await caller.ask(ps.REPLAY_PARKED, parked_request({"no_limit": {}}, "nope"))
    assert answer.error == "persistent-subscription-does-not-exist"


async def test_links_are_resolved_for_a_group(caller: Caller) -> None:
    await append(caller, "target", stream="t")
    await caller.append("s", event("$>", b"0@t", content_type=BINARY), event("$>", b"9@t", content_type=BINARY))
    await create(caller, resolve_links=True)
    found, lost = await (await connect(caller)).take(2)
    assert found.event.event.metadata["type"] == "target"
    assert found.event.event.commit_position == found.event.link.commit_position == found.event.commit_position
    assert not lost.event.HasField("event")
    assert lost.event.link.data == b"9@t"


async def test_a_group_on_all_streams_delivers_the_log(caller: Caller) -> None:
    await append(caller, "a", stream="x")
    await append(caller, "b", stream="y")
    assert (await create(caller, of_all(), max_checkpoint_count=2)).code is StatusCode.OK
    call = await connect(caller, None)
    events = await call.take(2)
    assert types(events) == ["a", "b"]
    assert events[1].event.commit_position == events[1].event.event.commit_position > 0
    await call.send(ack(*events))
    await append(caller, "c", stream="z")
    names = [types([await call.next()])[0]]
    while names[-1] != "c":  # The log also contains the configuration of the group.
        names += types([await call.next()])
    assert (await info(caller, None)).last_known_event_position.startswith("C:")
    assert (await info(caller, None)).start_from == "C:0/P:0"


async def test_a_group_on_all_streams_has_a_filter(caller: Caller) -> None:
    wanted = {"event_type": {"prefix": ["x"]}, "max": 10, "checkpoint_interval_multiplier": 1}
    await append(caller, "x1", "y1", "x2")
    await create(caller, of_all(start={}, filter=wanted), resolve_links=True)
    call = await connect(caller, None)
    events = await call.take(2)
    assert types(events) == ["x1", "x2"]
    await call.send(nack(1, events[0]))
    await wait_until_parked(caller, 1, None)
    update = ps.UpdateRequest(options=changed({"all": {"start": {}}}, max_retry_count=7))
    assert (await caller.ask(ps.UPDATE, update)).code is StatusCode.OK
    assert (await call.end()).error == "persistent-subscription-dropped"
    assert (await info(caller, None)).max_retry_count == 7
    again = await connect(caller, None)
    await append(caller, "y2", "x3")
    assert types(await again.take(2))[-1] in ("x2", "x3")


async def test_a_group_starts_where_it_is_asked_to(caller: Caller) -> None:
    await append(caller, *"abc")
    [_, second, _] = [each.commit_position for each in await caller.events("s")]
    at = {"position": {"commit_position": second, "prepare_position": second}}
    await create(caller, of_stream(start={"revision": 2}), "number")
    await create(caller, of_stream(start={"end": {}}), "end")
    await create(caller, of_all(**at), "position")
    assert types(await (await connect(caller, group="number")).take(1)) == ["c"]
    assert types(await (await connect(caller, None, group="position")).take(1)) == ["b"]
    call = await connect(caller, group="end")
    await append(caller, "d")
    assert types(await call.take(1)) == ["d"]
    assert (await info(caller, group="end")).start_from == "-1"


async def test_a_tombstone_is_the_last_event_of_a_group(caller: Caller) -> None:
    await append(caller, "a")
    await create(caller)
    call = await connect(caller)
    await call.send(ack(await call.next()))
    deletion = streams.DeleteRequest(options={"stream_identifier": {"stream_name": b"s"}, "any": {}})
    assert (await caller.ask(streams.TOMBSTONE, deletion)).code is StatusCode.OK
    last = await call.next()
    assert (types([last]), last.event.event.stream_revision) == (["$streamDeleted"], MAX_EVENT_NUMBER)
    assert (await info(caller)).last_known_event_position == str(MAX_EVENT_NUMBER)
    await call.send(ack(last))
    again = await connect(caller)
    await create(caller, group="later")
    later = await connect(caller, group="later")
    assert (await later.end()).error == "persistent-subscription-dropped"
    assert again.call.response.status is None


async def test_the_older_form_of_options_is_accepted(caller: Caller) -> None:
    await append(caller, *"abc")
    source = {"stream_identifier": {"stream_name": b"s"}}
    older = {**SETTINGS, "revision": 1, "named_consumer_strategy": 2, "consumer_strategy": ""}
    older |= {"message_timeout_ticks": 50_000_000, "checkpoint_after_ticks": 20_000_000}
    for name in ("message_timeout_ms", "checkpoint_after_ms"):
        del older[name]
    request = ps.CreateRequest(options={**source, "group_name": "g", "settings": older})
    assert (await caller.ask(ps.CREATE, request)).code is StatusCode.OK
    found = await info(caller)
    assert (found.named_consumer_strategy, found.message_timeout_milliseconds) == ("Pinned", 5000)
    assert (found.check_point_after_milliseconds, found.start_from) == (2000, "1")


@pytest.mark.parametrize(
    ("ticks", "milliseconds"),
    [(1 << 62, 2**31 - 1), (-(1 << 62), -(2**31) + 1), (15_999, 1), (9_999, 0), (0, 0)],
)
async def test_times_in_ticks_become_milliseconds(caller: Caller, ticks: int, milliseconds: int) -> None:
    settings = {key: value for key, value in SETTINGS.items() if not key.endswith("_ms")}
    settings |= {"message_timeout_ticks": ticks, "checkpoint_after_ticks": ticks}
    request = ps.CreateRequest(options={"group_name": "g", "settings": settings, **of_stream()})
    assert (await caller.ask(ps.CREATE, request)).code is StatusCode.OK
    found = await info(caller)
    assert found.message_timeout_milliseconds == milliseconds
    assert found.check_point_after_milliseconds == (milliseconds or 2**31 - 1)  # 0 means never.
    everything = ps.ListRequest(options={"list_all_subscriptions": {}})
    assert list((await caller.ask(ps.LIST, everything)).only.subscriptions) == [found]


REFUSED = {
    "an unknown strategy": (
        changed(of_stream(), consumer_strategy="Nope"),
        "persistent-subscription-failed",
        "Consumer strategy Nope does not exist.",
    ),
    "an unknown number of a strategy": (
        changed(of_stream(), consumer_strategy="", named_consumer_strategy=9),
        "persistent-subscription-failed",
        "Consumer strategy 9 does not exist.",
    ),
    "a page as large as the buffer": (
        changed(of_stream(), read_batch_size=500),
        "persistent-subscription-failed",
        "ReadBatchSize may not be greater than or equal to BufferSize",
    ),
    "a position beyond the end": (
        changed(of_all(position={"commit_position": 1 << 40, "prepare_position": 1 << 40})),
        "persistent-subscription-failed",
        "commit position must be less than or equal",
    ),
    "a position that is none": (
        changed(of_all(position={"commit_position": 1, "prepare_position": 2})),
        None,
        "The position 1/2 is not valid",
    ),
    "a position with a number too large": (
        changed(of_all(position={"commit_position": 1 << 63, "prepare_position": 0})),
        None,
        "is larger than",
    ),
    "a position with a negative commit": (
        changed(of_all(position={"commit_position": (1 << 64) - 1, "prepare_position": 3})),
        "persistent-subscription-failed",
        "prepare position must be less than or equal",
    ),
    "no settings": ({"group_name": "g", **of_stream()}, None, "must have settings"),
    "no stream": (changed({}), None, "must name the stream"),
    "an empty stream": (changed(of_stream("")), None, "name of the stream must not be empty"),
    "the name of all streams": (
        changed(of_stream("$all")),
        None,
        "Envelope callback expected either CreatePersistentSubscriptionToAllCompleted or NotHandled, received"
        " CreatePersistentSubscriptionToStreamCompleted instead",
    ),
    "no start in a stream": (
        changed({"stream": {"stream_identifier": {"stream_name": b"s"}}}),
        None,
        "CreateReq+Types+StreamOptions+RevisionOptionOneofCase",
    ),
    "no start in the log": (
        changed({"all": {"no_filter": {}}}),
        None,
        "CreateReq+Types+AllOptions+AllOptionOneofCase",
    ),
    "a filter without a subject": (
        changed(of_all(start={}, filter={"count": {}})),
        None,
        "'None' is not a valid EventStore.Client.PersistentSubscriptions.CreateReq+Types+AllOptions+Types"
        "+FilterOptions+FilterOneofCase",
    ),
    "a number too large": (changed(of_stream(start={"revision": 1 << 63})), None, "is larger than"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_group_is_refused(caller: Caller, case: str) -> None:
    options, name, text = REFUSED[case]
    answer = await caller.ask(ps.CREATE, ps.CreateRequest(options=options))
    assert answer.code is not StatusCode.OK
    assert answer.error == name
    assert text in answer.status.message


@pytest.mark.parametrize("request_class", [ps.CreateRequest, ps.UpdateRequest, ps.DeleteRequest, ps.GetInfoRequest])
async def test_options_of_a_group_are_required(caller: Caller, request_class: Any) -> None:
    methods = {ps.CreateRequest: ps.CREATE, ps.UpdateRequest: ps.UPDATE, ps.DeleteRequest: ps.DELETE}
    answer = await caller.ask(methods.get(request_class, ps.GET_INFO), request_class())
    assert answer.code is StatusCode.UNKNOWN


async def test_a_group_exists_once(caller: Caller) -> None:
    assert (await create(caller)).code is StatusCode.OK
    answer = await create(caller)
    assert (answer.code, answer.error) == (StatusCode.ALREADY_EXISTS, "persistent-subscription-exists")
    assert dict(answer.status.metadata)["group-name"] == "g"


async def test_an_unknown_group_is_not_found(caller: Caller) -> None:
    update = ps.UpdateRequest(options=changed(of_stream()))
    delete = ps.DeleteRequest(options=named("s"))
    read = ps.ReadRequest(options={**named("s"), "buffer_size": 1, "uuid_option": {"string": {}}})
    for method, request in (
        (ps.UPDATE, update),
        (ps.DELETE, delete),
        (ps.READ, read),
        (ps.GET_INFO, ps.GetInfoRequest(options=named("s"))),
        (ps.LIST, ps.ListRequest(options={"list_for_stream": {"all": {}}})),
    ):
        answer = await caller.ask(method, request)
        assert (answer.code, answer.error) == (StatusCode.NOT_FOUND, "persistent-subscription-does-not-exist")


async def test_groups_are_listed(caller: Caller) -> None:
    everything = ps.ListRequest(options={"list_all_subscriptions": {}})
    assert not (await caller.ask(ps.LIST, everything)).only.subscriptions
    await create(caller, group="one")
    await create(caller, group="two")
    await create(caller, of_all(), "three")

    async def listed(request: Any) -> list[str]:
        return [each.group_name for each in (await caller.ask(ps.LIST, request)).only.subscriptions]

    assert await listed(everything) == ["three", "one", "two"]  # "$all" comes before "s".
    of_s = {"list_for_stream": {"stream": {"stream_name": b"s"}}}
    assert await listed(ps.ListRequest(options=of_s)) == ["one", "two"]
    assert await listed(ps.ListRequest(options={"list_for_stream": {"all": {}}})) == ["three"]
    wrong: tuple[dict[str, Any], ...] = ({}, {"list_for_stream": {}})
    for options in wrong:
        assert (await caller.ask(ps.LIST, ps.ListRequest(options=options))).code is StatusCode.UNKNOWN


async def test_a_consumer_without_a_name_is_unknown(caller: Caller) -> None:
    await create(caller)
    await connect(caller)
    [consumer] = (await info(caller)).connections
    assert (consumer.connection_name, consumer.username, consumer.available_slots) == ("<unknown>", "system", 10)


async def test_a_deleted_group_drops_its_consumers(caller: Caller) -> None:
    await create(caller)
    call = await connect(caller)
    assert (await caller.ask(ps.DELETE, ps.DeleteRequest(options=named("s")))).code is StatusCode.OK
    answer = await call.end()
    assert (answer.code, answer.error) == (StatusCode.CANCELLED, "persistent-subscription-dropped")


async def test_a_restart_drops_all_consumers(caller: Caller) -> None:
    await append(caller, "a")
    await create(caller)
    call = await connect(caller)
    assert types(await call.take(1)) == ["a"]
    assert (await caller.ask(ps.RESTART_SUBSYSTEM, b"")).code is StatusCode.OK
    assert (await call.end()).error == "persistent-subscription-dropped"
    [again] = await (await connect(caller)).take(1)
    assert again.event.retry_count == 0


async def test_a_group_has_a_limit_of_consumers(caller: Caller) -> None:
    await create(caller, max_subscriber_count=1)
    call = await connect(caller)
    options = {**named("s"), "buffer_size": 1, "uuid_option": {"string": {}}}
    answer = await caller.ask(ps.READ, ps.ReadRequest(options=options))
    assert (answer.code, answer.error) == (StatusCode.FAILED_PRECONDITION, "maximum-subscribers-reached")
    call.cancel()
    await connect(caller)
    await create(caller, group="closed", max_subscriber_count=-1)
    options["group_name"] = "closed"
    assert (await caller.ask(ps.READ, ps.ReadRequest(options=options))).error == "maximum-subscribers-reached"


async def test_events_of_a_closed_consumer_are_retried(caller: Caller) -> None:
    """Each retry counts, and never parks the event, although only one is allowed."""
    await append(caller, "a")
    await create(caller)
    for retries in range(4):
        call = await connect(caller)
        [found] = await call.take(1)
        assert found.event.retry_count == retries
        call.cancel()


async def test_a_half_closed_consumer_goes_on(caller: Caller) -> None:
    await create(caller)
    call = await connect(caller)
    call.half_close()
    await append(caller, "a")
    assert types(await call.take(1)) == ["a"]
    assert (await caller.ask(ps.READ)).code is StatusCode.OK
    call.cancel()
    [again] = await (await connect(caller)).take(1)
    assert again.event.retry_count == 1


async def test_malformed_acknowledgements_end_the_consumer(caller: Caller) -> None:
    await create(caller)
    for bad in (
        ps.ReadRequest(ack={"ids": [{"string": "no"}]}),
        ps.ReadRequest(options=named("s")),
        b"\xff\xff",
    ):
        call = await connect(caller)
        await call.send(ps.ReadRequest(ack={"ids": [{}, {"string": str(uuid4())}]}))
        await call.send(bad)
        assert (await call.end()).code is StatusCode.UNKNOWN


async def test_a_real_server_ignores_acknowledgements_after_a_malformed_one() -> None:
    async with (
        serving(insecure=True, strictness=Strictness.REAL) as server,
        calling(server) as caller,
    ):
        await append(caller, *"abc")
        await create(caller)
        for bad in (ps.ReadRequest(ack={"ids": [{"string": "no"}]}), ps.ReadRequest(options=named("s")), b"\xff\xff"):
            call = await connect(caller, slots=1)
            [event] = await call.take(1)
            await call.send(bad)
            await call.send(ack(event))
            assert (await info(caller)).total_in_flight_messages == 1
            assert call.call.response.status is None
            call.cancel()


async def test_bad_options_of_a_consumer_are_refused(caller: Caller) -> None:
    await create(caller)
    ids: dict[str, Any] = {"uuid_option": {"string": {}}}
    for options in (
        {**named("s"), "buffer_size": -1, **ids},
        {"group_name": "g", "buffer_size": 1, **ids},
        {**named("s", ""), "buffer_size": 1, **ids},
        {**named(""), "buffer_size": 1, **ids},
        named("s"),
    ):
        answer = await caller.ask(ps.READ, ps.ReadRequest(options=options))
        assert answer.code is StatusCode.UNKNOWN
        assert answer.status.message.startswith("Exception was thrown by handler. The ")
    assert (await caller.ask(ps.READ, ps.ReadRequest(ack={}))).code is StatusCode.UNKNOWN


async def test_a_slow_consumer_gets_no_more_events(server: EmbeddedServer, caller: Caller) -> None:
    await caller.append("s", *(event(data=bytes(100_000)) for _ in range(60)))
    await create(caller)
    async with calling(server) as slow:
        call = await connect(slow, slots=1000)
        call.pause()
        await append(caller, "last")
        [connection] = [each for each in server._grpc._connections if each._calls]
        assert connection._machine.buffered_bytes < 4_000_000
        call.resume()
        assert types(await call.take(61))[-1] == "last"


async def test_groups_need_permission() -> None:
    async with serving() as server, calling(server) as caller:
        assert (await create(caller)).error == "access-denied"
        request = ps.CreateRequest(options=changed(of_stream()))
        assert (await caller.ask(ps.CREATE, request, metadata=OPS)).code is StatusCode.OK
        read = ps.ReadRequest(options={**named("s"), "buffer_size": 1, "uuid_option": {"string": {}}})
        assert (await caller.ask(ps.READ, read)).error == "access-denied"
        assert (await caller.ask(ps.GET_INFO, ps.GetInfoRequest(options=named("s")))).error == "access-denied"
        found = await caller.ask(ps.GET_INFO, ps.GetInfoRequest(options=named("s")), metadata=OPS)
        assert found.only.subscription_info.group_name == "g"
        on_all = ps.CreateRequest(options=changed(of_all()))
        assert (await caller.ask(ps.CREATE, on_all, metadata=ADMIN)).code is StatusCode.OK
        read = ps.ReadRequest(options={**named(None), "buffer_size": 1, "uuid_option": {"string": {}}})
        assert (await caller.ask(ps.READ, read, metadata=OPS)).error == "access-denied"
        metadata = (("connection-name", "mine"),)
        call = await caller.open(ps.READ, read, metadata=(*ADMIN, *metadata))
        await call.next()
        found = await caller.ask(ps.GET_INFO, ps.GetInfoRequest(options=named(None)), metadata=ADMIN)
        [connection] = found.only.subscription_info.connections
        assert (connection.username, connection.connection_name) == ("admin", "mine")


async def test_groups_on_all_streams_survive_a_restart(tmp_path: Any) -> None:
    wanted = {"stream_identifier": {"regex": "^s"}, "max": 10, "checkpoint_interval_multiplier": 1}
    path = tmp_path / "events.db"
    async with (
        EmbeddedServer(SqliteStore.open(path), grpc_port=0, insecure=True) as server,
        calling(server) as caller,
    ):
        await append(caller, "a", "b")
        await create(caller, of_all(start={}, filter=wanted))
        call = await connect(caller, None)
        events = await call.take(2)
        await call.send(ack(events[0]))
        while not (await info(caller, None)).last_checkpointed_event_position:
            await asyncio.sleep(0)
    async with (
        EmbeddedServer(SqliteStore.open(path), grpc_port=0, insecure=True) as server,
        calling(server) as caller,
    ):
        await append(caller, "other", stream="x")
        await append(caller, "c")
        assert types(await (await connect(caller, None)).take(2)) == ["b", "c"]


async def test_tcp_and_grpc_share_a_group(server: EmbeddedServer, caller: Caller) -> None:
    """A consumer over one protocol receives the events that a consumer over the other has not settled."""
    await append(caller, "a")
    await create(caller)
    [found] = await (await connect(caller)).take(1)
    running = server.groups.find("s", "g")
    assert running is not None
    assert UUID(found.event.event.id.string).bytes_le in running.group._deliveries
    assert Talk(server.store).read_stream("s", 0, 1).events[0].event.event_id in running.group._deliveries
