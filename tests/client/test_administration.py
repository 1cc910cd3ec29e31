"""Methods that administer a server, with a transport that records requests, and over TCP, which lacks them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import IndexField, IndexFieldType, NewEvent, ProjectionMode
from rxpump.errors import InvalidArgument, NotSupported, OperationTimedOut
from rxpump.model.events import Event
from rxpump.model.positions import END, FIRST_POSITION, Edge, Position, StreamDirection
from rxpump.model.server_info import ServerInfo
from rxpump.server import EmbeddedServer
from rxpump.testing import MockTransport, mock_client
from rxpump.transport import Capability, IndexRequests, Lack, ProjectionRequests, Subscription, UserRequests


class Recorder:
    """Part of a transport whose requests are recorded and answered with their name."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., Awaitable[str]]:
        async def request(*args: Any, **options: Any) -> str:
            self.calls.append((name, *args, *([options] if options else [])))
            return name

        return request


class Administered(MockTransport):
    """A mock transport that has every capability."""

    lacks: ClassVar[Mapping[Capability, Lack]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.recorder = Recorder()

    @property
    def users(self) -> UserRequests:
        return cast(UserRequests, self.recorder)

    @property
    def projections(self) -> ProjectionRequests:
        return cast(ProjectionRequests, self.recorder)

    @property
    def indexes(self) -> IndexRequests:
        return cast(IndexRequests, self.recorder)

    async def stop_scavenge(self, id: str) -> Any:
        return await self.recorder.stop_scavenge(id)

    async def server_info(self) -> ServerInfo:
        return ServerInfo("25.1.0", frozenset({"streams/append"}))

    async def members(self) -> Any:
        return await self.recorder.members()

    async def statistics(self) -> Mapping[str, str]:
        return {"proc-cpu": "3.5"}


FIELD = IndexField("country", "rec => rec.value.country", IndexFieldType.STRING)
CONTINUOUS, TRANSIENT, ONE_TIME = ProjectionMode.CONTINUOUS, ProjectionMode.TRANSIENT, ProjectionMode.ONE_TIME
NO_OUTPUT = {"can_emit": False, "tracks_emitted": False, "engine_version": None}
STREAMS = {"emitted_streams": False, "state_stream": True, "checkpoint_stream": False}

CALLS: dict[str, tuple[Callable[[rxpump.Client], Any], tuple[Any, ...]]] = {
    "users.create": (
        lambda client: client.users.create("ouro", "secret", groups=["$ops"]),
        ("create", "ouro", "secret", "ouro", ("$ops",)),
    ),
    "users.update": (
        lambda client: client.users.update("ouro", full_name="Ouro O."),
        ("update", "ouro", "Ouro O.", ()),
    ),
    "users.delete": (lambda client: client.users.delete("ouro"), ("delete", "ouro")),
    "users.enable": (lambda client: client.users.enable("ouro"), ("enable", "ouro")),
    "users.disable": (lambda client: client.users.disable("ouro"), ("disable", "ouro")),
    "users.change_password": (
        lambda client: client.users.change_password("ouro", "old", "new"),
        ("change_password", "ouro", "old", "new"),
    ),
    "users.reset_password": (
        lambda client: client.users.reset_password("ouro", "new"),
        ("reset_password", "ouro", "new"),
    ),
    "users.details": (lambda client: client.users.details("ouro"), ("read", "ouro")),
    "users.list": (lambda client: client.users.list(), ("read_all",)),
    "projections.create": (
        lambda client: client.projections.create("p", "fromAll()", can_emit=True, tracks_emitted=True),
        (
            "create",
            "p",
            "fromAll()",
            CONTINUOUS,
            {"can_emit": True, "tracks_emitted": True, "engine_version": None},
        ),
    ),
    "projections.create with an engine": (
        lambda client: client.projections.create("p", "fromAll()", engine_version=2),
        ("create", "p", "fromAll()", CONTINUOUS, {**NO_OUTPUT, "engine_version": 2}),
    ),
    "projections.create_one_time with an engine": (
        lambda client: client.projections.create_one_time("fromAll()", engine_version=1),
        ("create", None, "fromAll()", ONE_TIME, {**NO_OUTPUT, "engine_version": 1}),
    ),
    "projections.create transient": (
        lambda client: client.projections.create("p", "fromAll()", mode=TRANSIENT),
        ("create", "p", "fromAll()", TRANSIENT, NO_OUTPUT),
    ),
    "projections.create_one_time": (
        lambda client: client.projections.create_one_time("fromAll()"),
        ("create", None, "fromAll()", ONE_TIME, NO_OUTPUT),
    ),
    "projections.update": (
        lambda client: client.projections.update("p", "fromAll()"),
        ("update", "p", "fromAll()", {"can_emit": None}),
    ),
    "projections.update emitting": (
        lambda client: client.projections.update("p", "fromAll()", can_emit=True),
        ("update", "p", "fromAll()", {"can_emit": True}),
    ),
    "projections.delete": (
        lambda client: client.projections.delete("p", state_stream=True),
        ("delete", "p", STREAMS),
    ),
    "projections.enable": (lambda client: client.projections.enable("p"), ("enable", "p")),
    "projections.disable": (lambda client: client.projections.disable("p"), ("disable", "p")),
    "projections.abort": (lambda client: client.projections.abort("p"), ("abort", "p")),
    "projections.reset": (lambda client: client.projections.reset("p"), ("reset", "p")),
    "projections.state": (lambda client: client.projections.state("p"), ("state", "p", "")),
    "projections.result": (lambda client: client.projections.result("p", partition="s"), ("result", "p", "s")),
    "projections.statistics": (lambda client: client.projections.statistics("p"), ("statistics", "p")),
    "projections.list": (lambda client: client.projections.list(), ("read_all", None)),
    "projections.list continuous": (lambda client: client.projections.list(CONTINUOUS), ("read_all", CONTINUOUS)),
    "projections.restart": (lambda client: client.projections.restart_subsystem(), ("restart_subsystem",)),
    "indexes.create": (
        lambda client: client.indexes.create("i", fields=[FIELD]),
        ("create", "i", "", (FIELD,), {"is_started": True}),
    ),
    "indexes.start": (lambda client: client.indexes.start("i"), ("start", "i")),
    "indexes.stop": (lambda client: client.indexes.stop("i"), ("stop", "i")),
    "indexes.delete": (lambda client: client.indexes.delete("i"), ("delete", "i")),
    "indexes.details": (lambda client: client.indexes.details("i"), ("details", "i")),
    "indexes.list": (lambda client: client.indexes.list(), ("all_details",)),
    "stop_scavenge": (lambda client: client.stop_scavenge("id"), ("stop_scavenge", "id")),
    "members": (lambda client: client.members(), ("members",)),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_method_sends_its_request_when_awaited(name: str) -> None:
    call, expected = CALLS[name]
    transport = Administered()
    async with mock_client(transport) as client:
        single = call(client)
        assert transport.recorder.calls == []
        assert await single == expected[0]
    assert transport.recorder.calls == [expected]


async def test_the_connected_node_describes_itself() -> None:
    async with mock_client(Administered()) as client:
        assert (await client.server_info()).version == "25.1.0"
        assert (await client.statistics())["proc-cpu"] == "3.5"


LACKING: dict[str, Callable[[rxpump.Client], Any]] = {
    **{name: call for name, (call, _) in CALLS.items()},
    "server_info": lambda client: client.server_info(),
    "statistics": lambda client: client.statistics(),
    "indexes.iter": lambda client: client.indexes.iter("$idx-all"),
    "indexes.stream": lambda client: client.indexes.stream("$idx-all"),
    "publish_many": lambda client: client.publish_many({"s": [NewEvent("A")]}),
    "truncate_parked": lambda client: client.truncate_parked("g", "s"),
    "replay_parked": lambda client: client.replay_parked("g", "s", limit=1),
    "subscription_details": lambda client: client.subscription_details("g", "s"),
    "list_subscriptions": lambda client: client.list_subscriptions(),
    "restart_subscriptions": lambda client: client.restart_subscriptions(),
}


@pytest.mark.parametrize("name", LACKING)
async def test_tcp_refuses_at_the_call_and_names_the_version(memory_server: EmbeddedServer, name: str) -> None:
    client = rxpump.connect(memory_server.uri)
    with pytest.raises(NotSupported, match=r"not supported over TCP.*gRPC to a server of version \d\d\.\d+ or later"):
        LACKING[name](client)


WITH_DEADLINE: dict[str, Callable[[Any, Any], Any]] = {
    "publish_many": lambda client, given: client.publish_many({"s": [NewEvent("A")]}, **given),
    "truncate_parked": lambda client, given: client.truncate_parked("g", "s", **given),
    "replay_parked": lambda client, given: client.replay_parked("g", "s", limit=1, **given),
    "subscription_details": lambda client, given: client.subscription_details("g", "s", **given),
    "list_subscriptions": lambda client, given: client.list_subscriptions(**given),
    "list_subscriptions of one stream": lambda client, given: client.list_subscriptions("s", **given),
    "restart_subscriptions": lambda client, given: client.restart_subscriptions(**given),
}


@pytest.mark.parametrize("name", WITH_DEADLINE)
async def test_a_call_has_a_deadline(name: str) -> None:
    transport = MockTransport()
    async with mock_client(transport, settings=rxpump.Settings(timeout=0.002)) as client:
        transport.lose_connection()
        for given, timeout in (({}, 0.002), ({"timeout": 0.001}, 0.001)):
            with pytest.raises(OperationTimedOut) as late:
                await WITH_DEADLINE[name](client, given)
            assert late.value.timeout == timeout


BAD: dict[str, tuple[Callable[[Any], Any], str]] = {
    "login": (lambda client: client.users.delete(""), "login is ''"),
    "password": (lambda client: client.users.create("ouro", b"secret"), r"password is '\(not shown\)'"),
    "groups": (lambda client: client.users.update("ouro", groups="$ops"), r"groups is '\$ops'"),
    "group": (lambda client: client.users.update("ouro", groups=[3]), "groups is 3"),
    "mode": (lambda client: client.projections.create("p", "q", mode=ONE_TIME), "mode is"),
    "transient that emits": (
        lambda client: client.projections.create("p", "q", mode=TRANSIENT, can_emit=True),
        "mode is .*writes events",
    ),
    "tracks": (lambda client: client.projections.create("p", "q", tracks_emitted=True), "tracks_emitted is True"),
    "engine_version": (
        lambda client: client.projections.create("p", "q", engine_version=0),
        "engine_version is 0",
    ),
    "engine_version of one time": (
        lambda client: client.projections.create_one_time("q", engine_version="2"),
        "engine_version is '2'",
    ),
    "can_emit": (lambda client: client.projections.update("p", "q", can_emit=1), "can_emit is 1"),
    "partition": (lambda client: client.projections.state("p", partition=None), "partition is None"),
    "mode of a list": (lambda client: client.projections.list("Continuous"), "mode is 'Continuous'"),
    "index": (lambda client: client.indexes.iter("ce-orders"), "index is 'ce-orders'"),
    "fields": (lambda client: client.indexes.create("i", fields=["country"]), "fields is"),
    "no events": (lambda client: client.publish_many({}), "events is {}"),
    "no events of a stream": (lambda client: client.publish_many({"s": []}), r"events of 's' is \[\]"),
    "one event": (lambda client: client.publish_many({"s": NewEvent("A")}), "events of 's' is"),
    "a check of any version": (
        lambda client: client.publish_many({"s": [NewEvent("A")]}, expected_versions={"t": -2}),
        "expected_versions is {'t': -2}",
    ),
    "limit": (lambda client: client.truncate_parked("g", "s", limit=0), "limit is 0"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_argument_is_refused_at_the_call(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(InvalidArgument, match=f"^{message}") as refused:
        call(mock_client(Administered()))
    assert "secret" not in str(refused.value)


class OneIndex(Administered):
    """A mock with one index, which contains the events of all streams that begin with "o"."""

    where = rxpump.EventFilter(stream_prefix="o")

    @property
    def indexes(self) -> IndexRequests:
        return cast(IndexRequests, self)

    def read(
        self, index: str, start: Position | Edge, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        self.recorder.calls.append((index, start))
        return self.read_all(start, direction, batch_size=batch_size, resolve_links=resolve_links, where=self.where)

    def follow(self, index: str, after: Position | None, *, batch_size: int, resolve_links: bool) -> Subscription:
        return self.follow_all(after, batch_size=batch_size, resolve_links=resolve_links, where=self.where)


async def test_an_index_is_read_like_all_events() -> None:
    transport = OneIndex()
    async with mock_client(transport) as client:
        for n, stream in enumerate(("orders", "people", "offers")):
            await client.publish_event(stream, "A", n)
        reading = client.indexes.iter("$idx-user-o", batch_size=1)
        events = [event async for event in reading]
        assert [event.json() for event in events] == [0, 2]
        assert [event.json() async for event in reading.resume_after(events[0])] == [2]
        backward = client.indexes.iter("$idx-user-o", direction=StreamDirection.BACKWARD)
        assert [event.json() async for event in backward] == [2, 0]
    assert transport.recorder.calls == [
        ("$idx-user-o", FIRST_POSITION),
        ("$idx-user-o", events[0].position),
        ("$idx-user-o", END),
    ]


async def test_an_index_is_followed_through_a_lost_connection() -> None:
    transport = OneIndex()
    async with mock_client(transport, settings=rxpump.Settings(watchdog=0.001)) as client:
        await client.publish_event("orders", "A", 0)
        received: list[Any] = []
        with client.indexes.stream("$idx-user-o").subscribe(lambda event: received.append(event.json())):
            await client.publish_event("people", "A", 1)
            await client.publish_event("orders", "A", 2)
            transport.lose_connection()
            transport.restore_connection()
            await client.publish_event("orders", "A", 3)
            watchdog = ("$idx-user-o", END)
            while received != [0, 2, 3] or watchdog not in transport.recorder.calls:
                await client.ping()
    check = ("$idx-user-o", Position(1, 1))
    assert set(transport.recorder.calls) - {check} == {watchdog}, "after the loss it may check the last event"


async def test_the_watchdog_accepts_an_index_without_events() -> None:
    transport = OneIndex()
    async with mock_client(transport, settings=rxpump.Settings(watchdog=0.001)) as client:
        received: list[Any] = []
        with client.indexes.stream("$idx-user-o").subscribe(lambda event: received.append(event.json())):
            while not transport.recorder.calls:
                await client.ping()
            await client.publish_event("orders", "A", 0)
            while not received:
                await client.ping()
    assert received == [0]


async def test_a_group_on_all_has_a_filter_and_a_position() -> None:
    async with mock_client() as client:
        for n, stream in enumerate(("orders", "people", "offers")):
            await client.publish_event(stream, "A", n)
        place = (await client.get_all(max_count=1))[0].position
        assert place is not None
        with pytest.raises(InvalidArgument, match=r"start_from is 0; allowed is a Position, START or END"):
            client.create_subscription("g", "$all", start_from=0)
        where = rxpump.EventFilter(stream_prefix="o")
        await client.create_subscription("g", "$all", start_from=place, where=where)
        first = await client.connect_subscription("g", "$all", 1).pipe(rx.first())
        assert (first.json(), first.position) == (0, place)
        details = await client.subscription_details("g", "$all")
        assert (details.stream, details.settings.start) == ("$all", place)
        assert [each.group for each in await client.list_subscriptions("$all")] == ["g"]
        assert list(await client.list_subscriptions("orders")) == []
