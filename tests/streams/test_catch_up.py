"""A subscription delivers each event exactly once and in order, even after failures in any of its phases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import (
    AccessDenied,
    ConnectionClosed,
    LogTruncated,
    NotReady,
    OperationTimedOut,
    RxPumpError,
    StreamDeleted,
    StreamRolledBack,
    SubscriptionDropped,
)
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import FIRST_POSITION, Position, StreamDirection
from rxpump.model.signals import CaughtUp, FellBehind, Reconnected
from rxpump.settings import Settings
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.cursor import Followed, FollowedAll, FollowedStream
from rxpump.transport import Confirmed, Subscription
from tests.streams.fake_store import FakeStore

AT_ONCE = Backoff(min_delay=1e-6, max_delay=1e-6)
CUT = ConnectionClosed("server", "cut")
REASONS: list[RxPumpError] = [CUT, OperationTimedOut("read", 7, 1), SubscriptionDropped("s", "unsubscribed")]


Start = tuple[Followed, int | Position | None]


def subscription(store: FakeStore, start: Start, runtime: BackgroundTasks, watchdog: float = 60.0) -> CatchUp:
    settings = Settings(watchdog=watchdog, retry=AT_ONCE)
    return CatchUp(runtime, "s", settings, *start)


def of_stream(store: FakeStore, after: int | None = -1) -> Start:
    return FollowedStream(store, "s", 4, resolve_links=True), after


def of_all(store: FakeStore, after: Position | None = FIRST_POSITION) -> Start:
    return FollowedAll(store, 4, resolve_links=True), after


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def runtime() -> BackgroundTasks:
    return BackgroundTasks("test")


class Recorder:
    """A subscriber that records the numbers of events, and wakes tasks that wait for them."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.error: Exception | None = None
        self._changed = asyncio.Event()

    def on_next(self, item: Any) -> None:
        self.items.append(getattr(item, "number", item))
        self._changed.set()

    def on_error(self, error: Exception) -> None:
        self.error = error
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


@pytest.mark.parametrize("kind", [of_stream, of_all])
@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("failing_step", range(30))
async def test_a_failure_at_any_step_loses_and_repeats_no_event(
    store: FakeStore, runtime: BackgroundTasks, kind: Any, reason: RxPumpError, failing_step: int
) -> None:
    """An event is written at every step, so that events could be missed in each phase."""
    for _ in range(10):
        store.write()

    def step(name: str) -> None:
        if len(store.records) < 60:
            store.write()
        if len(store.steps) - 1 in (failing_step, failing_step + 3):
            for each in store.subscriptions:
                each.end(reason)
            raise reason

    store.step = step
    recorder = Recorder()
    following = subscription(store, kind(store), runtime).subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: len(recorder.items) >= 60 or recorder.error is not None)
    assert recorder.items == list(range(60))
    assert recorder.error is None
    following.dispose()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not store.subscriptions, "the client has unsubscribed"


@pytest.mark.parametrize("kind", [of_stream, of_all])
async def test_from_the_end_only_new_events_are_delivered(
    store: FakeStore, runtime: BackgroundTasks, kind: Any
) -> None:
    for _ in range(10):
        store.write()
    recorder = Recorder()
    subscription(store, kind(store, None), runtime).subscribe(recorder.on_next, recorder.on_error)
    while not store.subscriptions:
        await asyncio.sleep(0)
    store.write()
    await recorder.until(lambda: recorder.items == [10])
    store.subscriptions[0].end(CUT)
    store.write()
    store.write()
    await recorder.until(lambda: recorder.items == [10, 11, 12])


async def test_a_missing_stream_is_waited_for(store: FakeStore, runtime: BackgroundTasks) -> None:
    recorder = Recorder()
    subscription(store, of_stream(store), runtime).subscribe(recorder.on_next, recorder.on_error)
    while not store.subscriptions:
        await asyncio.sleep(0)
    store.write()
    await recorder.until(lambda: recorder.items == [0])


async def test_a_stream_soft_deleted_meanwhile_has_caught_up(store: FakeStore, runtime: BackgroundTasks) -> None:
    """The confirmation contains the number of an event that can no longer be read. The wait for it must end."""

    class Deleted(FakeStore):
        async def subscribe(self, stream: str | None, *, resolve_links: bool, where: Any = None) -> Any:
            confirmed: Any = await super().subscribe(stream, resolve_links=resolve_links, where=where)
            confirmed.last_event_number = 5
            return confirmed

    deleted = Deleted()
    recorder = Recorder()
    subscription(deleted, of_stream(deleted), runtime).with_signals().subscribe(recorder.on_next)
    await recorder.until(lambda: recorder.items == [CaughtUp()])


async def test_signals_show_each_change_of_the_subscription(store: FakeStore, runtime: BackgroundTasks) -> None:
    store.write()
    recorder = Recorder()
    subscription(store, of_stream(store), runtime).with_signals().subscribe(recorder.on_next)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    store.subscriptions[0].end(CUT)
    store.write()
    await recorder.until(lambda: recorder.items.count(CaughtUp()) == 2)
    assert recorder.items == [0, CaughtUp(), FellBehind(CUT), Reconnected(), 1, CaughtUp()]
    dropped = REASONS[2]
    store.subscriptions[0].end(dropped)
    await recorder.until(lambda: recorder.items.count(CaughtUp()) == 3)
    assert recorder.items[6:] == [FellBehind(dropped), CaughtUp()]


@pytest.mark.parametrize("final", [AccessDenied("subscribe to", "s"), StreamDeleted("s")])
async def test_a_permanent_error_ends_the_subscription(
    store: FakeStore, runtime: BackgroundTasks, final: RxPumpError
) -> None:
    def step(name: str) -> None:
        raise final

    store.step = step
    recorder = Recorder()
    subscription(store, of_stream(store), runtime).subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: recorder.error is not None)
    assert recorder.error is final


async def test_a_tombstone_ends_it_after_the_events_before_it(store: FakeStore, runtime: BackgroundTasks) -> None:
    recorder = Recorder()
    subscription(store, of_stream(store), runtime).subscribe(recorder.on_next, recorder.on_error)
    while not store.subscriptions:
        await asyncio.sleep(0)
    store.write()
    store.write(MAX_EVENT_NUMBER)
    await recorder.until(lambda: recorder.error is not None)
    assert recorder.items == [0]
    assert not store.subscriptions
    assert isinstance(recorder.error, StreamDeleted)


@pytest.mark.parametrize("kind", [of_stream, of_all])
async def test_the_watchdog_finds_events_that_were_not_sent(
    store: FakeStore, runtime: BackgroundTasks, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.GRACE_SECONDS", 0.001)
    store.write()
    recorder = Recorder()
    subscription(store, kind(store), runtime, watchdog=0.01).with_signals().subscribe(recorder.on_next)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    store.subscriptions[0].is_silent = True
    store.write()
    await recorder.until(lambda: recorder.items.count(CaughtUp()) == 2)
    fell = recorder.items[2]
    assert recorder.items == [0, CaughtUp(), fell, 1, CaughtUp()]
    assert "events were written and did not arrive" in str(fell.reason)


async def test_the_watchdog_waits_for_an_event_that_arrives_slowly(
    store: FakeStore, runtime: BackgroundTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.GRACE_SECONDS", 0.001)
    arrived = count()
    monkeypatch.setattr(Subscription, "incomplete_bytes", property(lambda _: next(arrived)))
    store.write()
    recorder = Recorder()
    subscription(store, of_stream(store), runtime, watchdog=0.001).with_signals().subscribe(recorder.on_next)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    store.subscriptions[0].is_silent = True
    store.write()
    while next(arrived) < 10:
        await asyncio.sleep(0.001)
    store.subscriptions[0].is_silent = False
    store.subscriptions[0].push(store.records[-1])
    await recorder.until(lambda: 1 in recorder.items)
    assert recorder.items == [0, CaughtUp(), 1]


async def test_a_watchdog_without_findings_changes_nothing(store: FakeStore, runtime: BackgroundTasks) -> None:
    store.write()
    recorder = Recorder()
    subscription(store, of_stream(store), runtime, watchdog=0.001).with_signals().subscribe(recorder.on_next)
    while store.steps.count("look at the head") < 5:
        await asyncio.sleep(0.001)
    assert recorder.items == [0, CaughtUp()]


@pytest.mark.parametrize("kind", [of_stream, of_all])
@pytest.mark.parametrize("left", [0, 3])
async def test_a_server_that_lost_delivered_events_is_an_error(
    store: FakeStore, runtime: BackgroundTasks, kind: Any, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    for _ in range(5):
        store.write()
    recorder = Recorder()
    subscription(store, kind(store), runtime).with_signals().subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    del store.records[left:]
    store.subscriptions[0].end(CUT)
    await recorder.until(lambda: recorder.error is not None)
    assert isinstance(recorder.error, StreamRolledBack)
    start, first = (-1, 0) if kind is of_stream else (Position(0, 0), Position(100, 100))
    assert recorder.error.resume_after == (first if left else start), "the first event of a batch is known"
    assert [item for item in recorder.items if item != Reconnected()] == [0, 1, 2, 3, 4, CaughtUp(), FellBehind(CUT)]
    assert not store.subscriptions


@pytest.mark.parametrize("kind", [of_stream, of_all])
@pytest.mark.parametrize("left", range(1, 10))
async def test_the_error_names_the_place_to_resume_from(
    store: FakeStore, runtime: BackgroundTasks, kind: Any, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event that was delivered alone is a place from which to resume."""
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    recorder = Recorder()
    source = subscription(store, kind(store), runtime)
    source.with_signals().subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    for number in range(10):
        store.write()
        await recorder.until(lambda number=number: number in recorder.items)  # type: ignore[misc]
    del store.records[left:]
    store.subscriptions[0].end(CUT)
    await recorder.until(lambda: recorder.error is not None)
    error = recorder.error
    assert isinstance(error, StreamRolledBack)
    place = left - 1 if kind is of_stream else Position(100 * left, 100 * left)
    assert error.resume_after == place
    shown = place if kind is of_stream else f"{100 * left}/{100 * left}"
    assert str(error).endswith(f"undo your work for the events after {shown}, and subscribe again after {shown}")
    resumed = Recorder()
    following = source.resume_at(error.resume_after).subscribe(resumed.on_next, resumed.on_error)
    for _ in range(3):
        store.write()
    await resumed.until(lambda: len(resumed.items) == 3)
    assert resumed.items == [left, left + 1, left + 2]
    following.dispose()


@pytest.mark.parametrize("ending", [CUT, NotReady("Subscribe")])
@pytest.mark.parametrize("kind", [of_stream, of_all])
async def test_another_event_at_the_last_place_is_an_error(
    store: FakeStore, runtime: BackgroundTasks, kind: Any, ending: RxPumpError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers and positions alone do not show that the next node has lost the last event that was delivered."""
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    recorder = Recorder()
    subscription(store, kind(store), runtime).with_signals().subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    for number in range(3):
        store.write()
        await recorder.until(lambda number=number: number in recorder.items)  # type: ignore[misc]
    store.records[2].event.event_id = b"another event..."
    store.subscriptions[0].end(ending)
    store.write()
    await recorder.until(lambda: recorder.error is not None)
    error = recorder.error
    assert isinstance(error, LogTruncated)
    assert error.last_seen == error.current
    assert error.resume_after == (1 if kind is of_stream else Position(200, 200))
    assert 3 not in recorder.items


async def test_after_a_start_that_is_lost_no_place_is_known(
    store: FakeStore, runtime: BackgroundTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    for _ in range(5):
        store.write()
    recorder = Recorder()
    source = subscription(store, of_stream(store), runtime).resume_at(3).with_signals()
    source.subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: recorder.items == [4, CaughtUp()])
    del store.records[2:]
    store.subscriptions[0].end(CUT)
    await recorder.until(lambda: recorder.error is not None)
    assert isinstance(recorder.error, StreamRolledBack)
    assert recorder.error.resume_after is None
    assert str(recorder.error).endswith("subscribe again after the newest that the server has")


async def test_the_event_to_resume_after_is_a_place_to_resume_from(
    store: FakeStore, runtime: BackgroundTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    for _ in range(5):
        store.write()
    last = await store.read_stream_page("s", 3, 1, StreamDirection.FORWARD, resolve_links=False)
    recorder = Recorder()
    source = subscription(store, of_stream(store), runtime).resume_after(last[0])
    source.with_signals().subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: recorder.items == [4, CaughtUp()])
    del store.records[4:]
    store.subscriptions[0].end(CUT)
    await recorder.until(lambda: recorder.error is not None)
    assert isinstance(recorder.error, StreamRolledBack)
    assert recorder.error.resume_after == 3


@pytest.mark.parametrize("kind", [of_stream, of_all])
async def test_a_node_that_lags_is_waited_for(store: FakeStore, runtime: BackgroundTasks, kind: Any) -> None:
    for _ in range(5):
        store.write()
    recorder = Recorder()
    subscription(store, kind(store), runtime).with_signals().subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    behind, store.records[3:] = store.records[3:], []
    store.subscriptions[0].end(CUT)
    while store.steps.count("subscribe") < 5:
        await asyncio.sleep(0)
    assert recorder.error is None
    store.records += behind
    store.write()
    await recorder.until(lambda: 5 in recorder.items)
    assert [item for item in recorder.items if isinstance(item, int)] == list(range(6))


class Scripted(Subscription):
    """An attempt that returns news, and then loses its connection."""

    def __init__(self, news: list[Any]) -> None:
        self._news = iter(news)

    async def next(self) -> Any:
        for news in self._news:
            return news
        raise CUT

    async def aclose(self) -> None: ...


async def test_each_lag_of_a_node_is_measured_from_its_begin(
    store: FakeStore, runtime: BackgroundTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscription that has not caught up for hours may meet a node that lags more than once."""
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 1e-9)  # only the first error in a row is a lag
    for _ in range(10):
        store.write()

    pages = [
        await store.read_stream_page("s", start, 3, StreamDirection.FORWARD, resolve_links=False)
        for start in (0, 3, 6)
    ]
    whole, part = store.records, store.records[:2]
    nodes = iter([(whole, pages[0]), (part, ()), (whole, pages[1]), (part, ()), (whole, pages[2])])

    def follow(*_: object, **__: object) -> Scripted:
        store.records, page = next(nodes)
        return Scripted([Confirmed(len(store.records) - 1), page])

    monkeypatch.setattr(store, "follow_stream", follow)
    recorder = Recorder()
    following = subscription(store, of_stream(store), runtime).subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: len(recorder.items) == 9 or recorder.error is not None)
    assert recorder.items == list(range(9))
    following.dispose()


@pytest.mark.parametrize("kind", [of_stream, of_all])
@pytest.mark.parametrize("left", [0, 3])
async def test_the_watchdog_detects_the_loss_of_delivered_events(
    store: FakeStore, runtime: BackgroundTasks, kind: Any, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    for _ in range(5):
        store.write()
    recorder = Recorder()
    following = subscription(store, kind(store), runtime, watchdog=0.01).with_signals()
    following.subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    del store.records[left:]
    await recorder.until(lambda: recorder.error is not None)
    assert isinstance(recorder.error, StreamRolledBack)
    assert store.steps.count("look at the head") >= 1


async def test_the_watchdog_accepts_a_soft_deleted_stream(store: FakeStore, runtime: BackgroundTasks) -> None:
    """Such a stream cannot be read, but the confirmation of a subscription still contains its last number."""

    class Deleted(FakeStore):
        async def subscribe(self, stream: str | None, *, resolve_links: bool, where: Any = None) -> Any:
            confirmed = await super().subscribe(stream, resolve_links=resolve_links)
            confirmed.last_event_number = 0
            return confirmed

    deleted = Deleted()
    deleted.write()
    recorder = Recorder()
    following = subscription(deleted, of_stream(deleted), runtime, watchdog=0.001).with_signals()
    following.subscribe(recorder.on_next, recorder.on_error)
    await recorder.until(lambda: CaughtUp() in recorder.items)
    deleted.records.clear()
    while deleted.steps.count("look at the head") < 5:
        await asyncio.sleep(0.001)
    assert recorder.items == [0, CaughtUp()]
    assert recorder.error is None
    assert len(deleted.subscriptions) == 1


async def test_await_returns_the_subscription_itself(store: FakeStore, runtime: BackgroundTasks) -> None:
    following = subscription(store, of_stream(store), runtime)
    assert await following is following
    assert following.events is following


async def test_closing_the_client_fails_the_subscription(store: FakeStore, runtime: BackgroundTasks) -> None:
    recorder = Recorder()
    subscription(store, of_stream(store), runtime).subscribe(recorder.on_next, recorder.on_error)
    while not store.subscriptions:
        await asyncio.sleep(0)
    await runtime.stop()
    await recorder.until(lambda: recorder.error is not None)
    assert "the client was closed" in str(recorder.error)
    assert not store.subscriptions
