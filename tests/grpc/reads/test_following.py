"""Attempts to follow a stream or $all, with scripted servers of several versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rxpump.errors import (
    AccessDenied,
    ConnectionClosed,
    MalformedReply,
    NotLeader,
    OperationTimedOut,
    ServerFailed,
    StreamDeleted,
    SubscriptionDropped,
)
from rxpump.grpc.call import Call
from rxpump.grpc.protocol.call_status import HANDLER_FAILED, CallStatus, StatusCode
from rxpump.grpc.protocol.message_reader import frame_message
from rxpump.grpc.reads.follow import AllFollowing, StreamFollowing
from rxpump.model.filters import EventFilter
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import FIRST_POSITION, Position
from rxpump.model.signals import CaughtUp, Examined, FellBehind
from rxpump.settings import Settings
from rxpump.transport import Confirmed
from tests.grpc.clients import QUICK, SETTINGS
from tests.grpc.harness import ServerCall
from tests.grpc.reads.read_server import (
    CAUGHT_UP,
    CONFIRMED,
    CUT,
    DELETED,
    FELL_BEHIND,
    OK,
    UNKNOWN_POSITION,
    WAIT,
    Encoded,
    ReadServer,
    checkpoint,
    event,
    last,
    not_found,
    reading_from,
)

TOO_SLOW = "Operation timed out: Consumer too slow to handle event while live. Client resubscription required."


@asynccontextmanager
async def following(
    ends: Sequence[Iterable[Any]],
    answer: Iterable[Any],
    after: Any = -1,
    *,
    version: str = "24.10.4",
    settings: Settings = SETTINGS,
    **options: Any,
) -> AsyncIterator[tuple[ReadServer, Any]]:
    """Follow a stream, or $all if `after` is a position or a filter is given.

    Args:
        ends: Answers to the reads that find the end.
        answer: Answer to the subscription.
        after: Place after which to start.
        version: Version of the server.
        settings: Settings of the client.
        **options: Further arguments of AllFollowing.
    """
    reads = iter(ends)

    def script(request: Any) -> Iterable[Any]:
        return answer if request.HasField("subscription") else next(reads)

    async with reading_from(script, settings, version) as (server, caller):
        subscription: StreamFollowing | AllFollowing
        if isinstance(after, Position) or options:
            subscription = AllFollowing(caller, after, batch_size=3, resolve_links=False, **options)
        else:
            subscription = StreamFollowing(caller, "s", after, batch_size=3, resolve_links=False)
        try:
            yield server, subscription
        finally:
            await subscription.aclose()
            await subscription.aclose()
            server.resume.set()


async def receive(subscription: Any, count: int) -> list[Any]:
    """Return at least `count` next items: signals, and the numbers of events."""
    received: list[Any] = []
    while len(received) < count:
        news = await subscription.next()
        received += [each.number for each in news] if isinstance(news, Sequence) else [news]
    return received


async def test_history_then_one_signal_then_new_events() -> None:
    answer = [CONFIRMED, event(0), event(1), CAUGHT_UP, event(2), CAUGHT_UP, CAUGHT_UP, event(3), WAIT]
    async with following([[event(1), last(1)]], answer) as (server, subscription):
        assert await receive(subscription, 6) == [Confirmed(1), 0, 1, CaughtUp(), 2, 3]
        [options] = server.subscriptions
        assert (options.stream.WhichOneof("from"), options.read_direction) == ("start", 0)
        assert options.HasField("no_filter")


async def test_fell_behind_is_reported_once_until_caught_up() -> None:
    answer = [CONFIRMED, CAUGHT_UP, FELL_BEHIND, FELL_BEHIND, event(0), CAUGHT_UP, WAIT]
    async with following([[not_found()]], answer, version="23.10.0") as (_, subscription):
        confirmed, live, behind, number, again = await receive(subscription, 5)
        assert (confirmed, live, number, again) == (Confirmed(-1), CaughtUp(), 0, CaughtUp())
        assert isinstance(behind, FellBehind)
        assert behind.reason.retryable


@pytest.mark.parametrize(
    ("after", "field", "revision"), [(0, "revision", 0), (7, "revision", 7), (None, "revision", 4)]
)
async def test_a_subscription_starts_after_a_number(after: int | None, field: str, revision: int) -> None:
    async with following([[event(4), last(4)]], [CONFIRMED, CAUGHT_UP, WAIT], after) as (server, subscription):
        assert await receive(subscription, 2) == [Confirmed(4), CaughtUp()]
        options = server.subscriptions[0].stream
        assert (options.WhichOneof("from"), options.revision) == ("revision", revision)


async def test_batches_have_at_most_the_requested_size() -> None:
    answer = [CONFIRMED, *map(event, range(8)), CAUGHT_UP, WAIT]
    async with following([[event(7), last(7)]], answer) as (_, subscription):
        assert isinstance(await subscription.next(), Confirmed)
        batches = []
        while isinstance(news := await subscription.next(), Sequence):
            batches.append(len(news))
        assert (sum(batches), max(batches)) == (8, 3)


async def test_a_missing_stream_is_caught_up_at_once_by_every_version() -> None:
    for version, answer in (("23.10.6", [CONFIRMED, WAIT]), ("24.10.4", [CONFIRMED, CAUGHT_UP, WAIT])):
        async with following([[not_found()]], answer, None, version=version) as (server, subscription):
            assert await receive(subscription, 2) == [Confirmed(-1), CaughtUp()]
            assert server.subscriptions[0].stream.HasField("start")


async def test_the_end_of_a_soft_deleted_stream_is_not_known() -> None:
    ends = [[not_found()], [not_found()], [event(0), last(0)]]
    async with following(ends, [CONFIRMED, WAIT], 4) as (_, subscription):
        assert await receive(subscription, 2) == [Confirmed(None), CaughtUp()]


async def test_a_stream_that_was_lost_ends_before_it_began() -> None:
    async with following([[not_found()]] * 3, [CONFIRMED, WAIT], 4) as (_, subscription):
        assert await subscription.next() == Confirmed(-1)


@pytest.mark.parametrize("version", ["20.10.2", "22.10.5"])
async def test_an_old_server_has_caught_up_when_the_end_is_reached(version: str) -> None:
    answer = [CONFIRMED, event(0), event(1), event(2), WAIT]
    async with following([[event(1), last(1)]], answer, version=version) as (_, subscription):
        received = await receive(subscription, 5)
        assert received[0] == Confirmed(1)
        assert received.index(CaughtUp()) > received.index(1)
        assert [each for each in received if isinstance(each, int)] == [0, 1, 2]


@pytest.mark.parametrize("after", [-1, FIRST_POSITION])
@pytest.mark.parametrize("version", ["20.6.0", "21.6.0"])
async def test_events_that_an_old_server_repeats_are_dropped(version: str, after: Any) -> None:
    answer = [CONFIRMED, *map(event, [1, 2, 2, 1, 3, 4, 4, 3, 2, 5]), WAIT]
    ends = [[event(2), last(2)]] if after == -1 else [read_all(200)] * 2
    async with following(ends, answer, after, version=version) as (_, subscription):
        received = [each for each in await receive(subscription, 7) if isinstance(each, int)]
        assert received == [1, 2, 3, 4, 5]


async def test_an_attempt_ends_where_an_old_server_leaves_events_out() -> None:
    answer = [CONFIRMED, *map(event, [1, 2, 3, 5, 6]), WAIT]
    async with following([[event(2), last(2)]], answer, version="20.10.2") as (_, subscription):
        received: list[Any] = []
        with pytest.raises(SubscriptionDropped, match="number 5 did not arrive"):
            while True:
                received += await receive(subscription, 1)
        assert [each for each in received if isinstance(each, int)] in ([1, 2], [1, 2, 3])


async def test_an_old_server_without_new_events_has_caught_up() -> None:
    async with following([[event(1), last(1)]], [CONFIRMED, WAIT], 1, version="22.10.5") as (_, subscription):
        assert await receive(subscription, 2) == [Confirmed(1), CaughtUp()]


async def test_a_deleted_stream_cannot_be_followed() -> None:
    async with following([[DELETED]], [CONFIRMED, WAIT]) as (_, subscription):
        with pytest.raises(StreamDeleted):
            await subscription.next()


async def test_a_tombstone_is_left_out_and_ends_the_subscription() -> None:
    answer = [CONFIRMED, CAUGHT_UP, event(0), event(MAX_EVENT_NUMBER, commit=1), DELETED]
    async with following([[not_found()]], answer) as (_, subscription):
        assert await receive(subscription, 3) == [Confirmed(-1), CaughtUp(), 0]
        with pytest.raises(StreamDeleted):
            await receive(subscription, 1)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (CallStatus(StatusCode.ABORTED, TOO_SLOW), SubscriptionDropped),
        (CallStatus(StatusCode.CANCELLED, ""), SubscriptionDropped),
        (CallStatus(StatusCode.PERMISSION_DENIED, "", (("exception", "access-denied"),)), AccessDenied),
        (CallStatus(StatusCode.NOT_FOUND, "", (("exception", "not-leader"),)), NotLeader),
        (OK, SubscriptionDropped),
        (CallStatus(StatusCode.INTERNAL, "a proxy failed"), SubscriptionDropped),
        (HANDLER_FAILED, SubscriptionDropped),
        (CUT, ConnectionClosed),
    ],
)
async def test_each_status_ends_a_subscription_with_its_error(end: Any, error: type[Exception]) -> None:
    async with following([[not_found()]], [CONFIRMED, CAUGHT_UP, event(0), end]) as (_, subscription):
        received = []
        with pytest.raises(error):
            while True:
                received += await receive(subscription, 1)
        assert 0 in received or end is CUT


@pytest.mark.parametrize("failure", [CallStatus(StatusCode.INTERNAL, "failed"), HANDLER_FAILED])
@pytest.mark.parametrize("before", [[], [CONFIRMED]])
async def test_a_subscription_that_a_server_cannot_serve_fails(before: list[Any], failure: CallStatus) -> None:
    async with following([[not_found()]], [*before, failure]) as (_, subscription):
        with pytest.raises(ServerFailed):
            await receive(subscription, 3)


@pytest.mark.parametrize("failure", [CallStatus(StatusCode.INTERNAL, "failed"), HANDLER_FAILED])
async def test_a_failure_that_passes_does_not_end_a_subscription(failure: CallStatus) -> None:
    answers = iter([[failure], [event(0), last(0)], [failure], [CONFIRMED, event(0), WAIT]])
    async with reading_from(lambda _: next(answers)) as (server, caller):
        subscription = StreamFollowing(caller, "s", -1, batch_size=3, resolve_links=False)
        assert await receive(subscription, 2) == [Confirmed(0), 0]
        await subscription.aclose()
        server.resume.set()


async def test_a_call_that_ends_before_the_confirmation_is_dropped() -> None:
    async with following([[not_found()]], [OK]) as (_, subscription):
        with pytest.raises(SubscriptionDropped):
            await subscription.next()


async def test_another_message_before_the_confirmation_is_malformed() -> None:
    async with following([[not_found()]], [event(0), WAIT]) as (_, subscription):
        with pytest.raises(MalformedReply):
            await subscription.next()


@pytest.mark.parametrize("where", [None, EventFilter(stream_prefix="s")])
async def test_messages_of_later_versions_change_nothing(where: EventFilter | None) -> None:
    newer = Encoded(b"\xaa\x01\x00")  # field 21
    late = Encoded(b"\xaa\x01\x02hi" + event(2).SerializeToString())
    answer = [
        newer,
        CONFIRMED,
        newer,
        event(1),
        CONFIRMED,
        late,
        CAUGHT_UP,
        newer,
        CAUGHT_UP,
        event(3),
        last(9),
        WAIT,
    ]
    async with following([read_all(200)], answer, FIRST_POSITION, where=where) as (_, subscription):
        assert await receive(subscription, 5) == [
            Confirmed(Position(200, 200)),
            1,
            2,
            CaughtUp(),
            3,
        ]


async def test_a_subscription_that_is_not_confirmed_times_out() -> None:
    settings = Settings(timeout=0.05, reconnect=QUICK)
    async with following([[not_found()]], [WAIT], settings=settings) as (_, subscription):
        with pytest.raises(OperationTimedOut):
            await subscription.next()


SILENT = Settings(watchdog=0.02, reconnect=QUICK)


@pytest.mark.parametrize("answer", [[CONFIRMED], [CONFIRMED, event(0)], [CONFIRMED, event(0), checkpoint(100)]])
@pytest.mark.parametrize("where", [None, EventFilter(stream_prefix="s")])
@pytest.mark.parametrize("version", ["22.10.0", "23.10.6", "24.10.4"])
async def test_a_silence_before_the_end_ends_an_attempt(
    answer: list[Any], where: EventFilter | None, version: str
) -> None:
    ends = [read_all(500)] * 2
    async with following(ends, [*answer, WAIT], FIRST_POSITION, version=version, settings=SILENT, where=where) as (
        _,
        subscription,
    ):
        with pytest.raises(SubscriptionDropped, match="did not arrive"):
            await receive(subscription, 10)


async def test_a_silence_after_the_end_is_no_fault() -> None:
    answer = [CONFIRMED, event(0), event(1), WAIT]
    async with following([[event(1), last(1)]], answer, settings=SILENT) as (_, subscription):
        assert await receive(subscription, 4) == [Confirmed(1), 0, 1, CaughtUp()]


async def test_a_silence_after_the_server_fell_behind_is_no_fault() -> None:
    answer = [CONFIRMED, event(0), CAUGHT_UP, FELL_BEHIND, WAIT]
    async with following([[event(0), last(0)]], answer, settings=SILENT) as (_, subscription):
        *_, behind, again = await receive(subscription, 5)
        assert isinstance(behind, FellBehind)
        assert again == CaughtUp()


async def test_an_event_that_arrives_slowly_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = frame_message(event(0).SerializeToString())
    sending: list[ServerCall] = []
    looks = 0

    def incomplete_bytes(call: Call) -> int:
        """Return another number at each look. At the tenth, let the server send the event."""
        nonlocal looks
        looks += 1
        if looks == 10:
            sending[0].endpoint.connection.send_data(sending[0].stream_id, encoded)
            sending[0].endpoint.flush()
        return looks

    monkeypatch.setattr(Call, "incomplete_bytes", property(incomplete_bytes))
    settings = Settings(watchdog=0.001, reconnect=QUICK)
    async with following([[event(0), last(0)]], [CONFIRMED, sending.append], settings=settings) as (_, subscription):
        assert await receive(subscription, 2) == [Confirmed(0), 0]
        assert looks >= 10


async def test_a_shutdown_is_raised_after_received_events() -> None:
    async with following([[not_found()]], [CONFIRMED, CAUGHT_UP, event(0), WAIT]) as (server, subscription):
        assert await receive(subscription, 3) == [Confirmed(-1), CaughtUp(), 0]
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(0)
        endpoint = server.server.endpoints[-1]
        endpoint.connection.shut_down()
        endpoint.flush()
        with pytest.raises(ConnectionClosed):
            await waiting


def read_all(place: int) -> list[Any]:
    return [event(place // 100)]


async def test_all_is_followed_after_a_position() -> None:
    answer = [CONFIRMED, event(3), CAUGHT_UP, WAIT]
    async with following([read_all(300)], answer, Position(200, 200)) as (server, subscription):
        assert await receive(subscription, 3) == [Confirmed(Position(300, 300)), 3, CaughtUp()]
        assert server.subscriptions[0].all.position.commit_position == 200


async def test_all_is_followed_from_its_end_by_the_last_position() -> None:
    answer = [CONFIRMED, CAUGHT_UP, event(4), WAIT]
    async with following([read_all(300)], answer, None, where=None) as (server, subscription):
        assert await receive(subscription, 3) == [Confirmed(Position(300, 300)), CaughtUp(), 4]
        assert server.subscriptions[0].all.position.commit_position == 300


async def test_an_empty_log_is_followed_from_its_start() -> None:
    async with following([[], []], [CONFIRMED, CAUGHT_UP, WAIT], None, where=None) as (server, subscription):
        assert await receive(subscription, 2) == [Confirmed(FIRST_POSITION), CaughtUp()]
        assert server.subscriptions[0].all.HasField("start")


async def test_a_place_that_the_server_lost_is_found() -> None:
    ends = [read_all(300), [UNKNOWN_POSITION]]
    async with following(ends, [CONFIRMED, CAUGHT_UP, WAIT], Position(900, 900)) as (_, subscription):
        assert await subscription.next() == Confirmed(Position(300, 300))


async def test_checkpoints_are_places_that_were_examined() -> None:
    answer = [CONFIRMED, event(1), checkpoint(250, 0), event(3), checkpoint(300), CAUGHT_UP, checkpoint(700), WAIT]
    where = EventFilter(stream_prefix="s")
    async with following([read_all(500)], answer, FIRST_POSITION, where=where) as (server, subscription):
        assert await receive(subscription, 7) == [
            Confirmed(Position(500, 500)),
            1,
            Examined(Position(250, 0)),
            3,
            Examined(Position(500, 500)),
            CaughtUp(),
            Examined(Position(700, 700)),
        ]
        filter = server.subscriptions[0].filter
        assert (filter.stream_identifier.regex, filter.max, filter.checkpoint_interval_multiplier) == ("^s", 32, 1)


async def test_checkpoints_without_progress_are_left_out() -> None:
    places = [checkpoint(0), checkpoint(250, 0), checkpoint(250, 0), checkpoint(100), checkpoint(2**64 - 1)]
    answer = [CONFIRMED, *places, event(3), *places, CAUGHT_UP, checkpoint(600), WAIT]
    where = EventFilter(stream_prefix="s")
    async with following([read_all(500)], answer, FIRST_POSITION, where=where) as (_, subscription):
        assert await receive(subscription, 6) == [
            Confirmed(Position(500, 500)),
            Examined(Position(250, 0)),
            3,
            Examined(Position(500, 500)),
            CaughtUp(),
            Examined(Position(600, 600)),
        ]


async def test_without_a_filter_of_the_server_each_batch_is_examined() -> None:
    where = EventFilter(type_regex=r"T\b")
    answer = [CONFIRMED, event(1), event(2), CAUGHT_UP, WAIT]
    async with following([read_all(200)], answer, FIRST_POSITION, where=where) as (server, subscription):
        received = await receive(subscription, 5)
        assert [each for each in received if isinstance(each, int)] == [1, 2]
        assert Examined(Position(200, 200)) in received
        assert server.subscriptions[0].HasField("no_filter")


async def test_an_old_server_has_caught_up_with_a_filter() -> None:
    where = EventFilter(stream_prefix="s")
    answer = [CONFIRMED, event(1), checkpoint(200), event(3), WAIT]
    ends = [read_all(500), read_all(300)]
    async with following(ends, answer, FIRST_POSITION, where=where, version="22.10.0") as (_, subscription):
        received = await receive(subscription, 5)
        assert received.index(CaughtUp()) > received.index(3)


async def test_an_index_is_followed_by_its_name() -> None:
    answer = [CONFIRMED, event(2), CAUGHT_UP, WAIT]
    async with following([read_all(100)], answer, None, version="25.1.0", index="$idx-ce-orders") as (
        server,
        subscription,
    ):
        assert 2 in await receive(subscription, 3)
        assert list(server.subscriptions[0].filter.stream_identifier.prefix) == ["$idx-ce-orders"]
