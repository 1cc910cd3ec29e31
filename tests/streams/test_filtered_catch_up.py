"""A filtered subscription delivers each matching event once, and examines each other event once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import ConnectionClosed, ReadFailed, StreamRolledBack
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.pages import AllPage
from rxpump.model.positions import FIRST_POSITION, Position
from rxpump.model.signals import CaughtUp, Examined, FellBehind
from rxpump.settings import Settings
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.cursor import FollowedAll
from tests.streams.fake_store import FakeStore

WANTED = EventFilter(type_prefix="Wanted")
CUT = ConnectionClosed("server", "cut")


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.mark.parametrize("others", [0, 1, 20])
async def test_the_next_match_is_found_before_other_events(store: FakeStore, others: int) -> None:
    followed = FollowedAll(store, 4, resolve_links=True, where=WANTED)
    store.write(type="Wanted")
    assert (await followed.find_end(Position(100, 100))).readable in (None, Position(100, 100))
    store.write()
    assert (await followed.find_end(Position(100, 100))).readable is None
    store.write(type="Wanted")
    for _ in range(others):
        store.write()
    assert (await followed.find_end(FIRST_POSITION)).readable == Position(100, 100)
    assert (await followed.find_end(Position(100, 100))).readable == Position(300, 300)


async def test_a_place_that_the_log_does_not_have_counts_as_missed(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another attempt to follow then fails with the error for a log that was replaced."""

    async def refuse(*_: object, **__: object) -> AsyncGenerator[Sequence[Event], None]:
        raise ReadFailed("$all", "no record at this position")
        yield ()

    store.write()
    monkeypatch.setattr(store, "read_all", refuse)
    followed = FollowedAll(store, 4, resolve_links=True, where=WANTED)
    assert (await followed.find_end(Position(50, 50))).readable == Position(100, 100)


class Followed:
    """A subscriber that can wait for items."""

    def __init__(self, store: FakeStore, watchdog: float = 60.0) -> None:
        self.items: list[Any] = []
        self.error: Exception | None = None
        self._changed = asyncio.Event()
        settings = Settings(watchdog=watchdog, retry=Backoff(min_delay=1e-6, max_delay=1e-6))
        source = CatchUp(
            BackgroundTasks("test"),
            "all",
            settings,
            FollowedAll(store, 4, resolve_links=True, where=WANTED),
            FIRST_POSITION,
        )
        self.subscription = source.with_signals().subscribe(self._note, self._note_error)

    def _note(self, item: Any) -> None:
        self.items.append(item)
        self._changed.set()

    def _note_error(self, error: Exception) -> None:
        self.error = error
        self._changed.set()

    async def until_changed(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def until_failed(self) -> None:
        while self.error is None:
            await self.until_changed()

    async def until(self, item: Any) -> None:
        """Wait for a signal, or for the event with this number."""
        while item not in [getattr(each, "number", each) for each in self.items]:
            await self.until_changed()

    @property
    def numbers(self) -> list[int]:
        return [item.number for item in self.items if hasattr(item, "number")]


async def test_live_events_that_do_not_match_are_reported_as_examined(store: FakeStore) -> None:
    followed = Followed(store)
    await followed.until(CaughtUp())
    store.write()
    await followed.until(Examined(Position(100, 100)))
    store.write(type="Wanted")
    await followed.until(1)
    looked_at = store.looked_at
    store.write()
    await followed.until(Examined(Position(300, 300)))
    store.subscriptions[0].end(CUT)
    await followed.until(FellBehind(CUT))
    store.write(type="Wanted")
    await followed.until(3)
    assert followed.numbers == [1, 3]
    assert store.looked_at - looked_at <= 3, "from where it was on, not from the last match"
    followed.subscription.dispose()


async def test_the_watchdog_finds_a_match_before_many_other_events(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.GRACE_SECONDS", 0.001)
    followed = Followed(store, watchdog=0.01)
    await followed.until(CaughtUp())
    store.subscriptions[0].is_silent = True
    store.write(type="Wanted")
    for _ in range(20):
        store.write()
    await followed.until(0)
    followed.subscription.dispose()


async def test_events_that_do_not_match_are_examined_once(store: FakeStore) -> None:
    for number in range(20):
        store.write(type="Wanted" if number == 3 else "Counted")
    followed = Followed(store)
    await followed.until(CaughtUp())
    assert store.looked_at == 20
    store.subscriptions[0].end(CUT)
    store.write()
    store.write(type="Wanted")
    await followed.until(21)
    assert store.looked_at <= 24, "the last event that was delivered, the last that was examined, and the new ones"
    followed.subscription.dispose()


async def test_catching_up_reports_examined_positions(store: FakeStore) -> None:
    for number in range(20):
        store.write(type="Wanted" if number == 6 else "Counted")
    followed = Followed(store)
    await followed.until(CaughtUp())
    shown = [getattr(item, "number", item) for item in followed.items]
    ends = [Examined(Position(commit, commit)) for commit in (400, 800, 1200, 1600, 2000)]
    assert shown == [ends[0], 6, *ends[1:], CaughtUp()]
    store.write()
    await followed.until(Examined(Position(2100, 2100)))
    followed.subscription.dispose()


async def test_a_page_that_ends_with_a_match_reports_no_position(store: FakeStore) -> None:
    for _ in range(4):
        store.write(type="Wanted")
    followed = Followed(store)
    await followed.until(CaughtUp())
    assert [getattr(item, "number", item) for item in followed.items] == [0, 1, 2, 3, CaughtUp()]
    followed.subscription.dispose()


async def test_a_server_that_lost_examined_events_is_an_error(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    for number in range(5):
        store.write(type="Counted" if number % 4 else "Wanted")
    followed = Followed(store)
    await followed.until(CaughtUp())
    del store.records[2:]
    store.subscriptions[0].end(CUT)
    await followed.until_failed()
    error = followed.error
    assert isinstance(error, StreamRolledBack)
    assert (error.last_seen, error.current) == (Position(500, 500), Position(200, 200))
    assert error.resume_after == Position(100, 100), "event 0 was the last of its batch"


@pytest.mark.parametrize("delivered", [0, 1])
async def test_it_goes_on_if_only_examined_events_are_lost(
    store: FakeStore, delivered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events that were delivered are still there, so nothing is lost by continuing after the last of them."""
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    for number in range(5):
        store.write(type="Wanted" if number < delivered else "Counted")
    followed = Followed(store)
    await followed.until(CaughtUp())
    del store.records[1:]
    store.write(type="Wanted")
    store.subscriptions[0].end(CUT)
    await followed.until(1)
    assert followed.numbers == [*range(delivered), 1]
    rewound = followed.items[followed.items.index(CaughtUp()) + 1 :]
    assert isinstance(rewound[0], FellBehind)
    place = Position(100, 100) if delivered else FIRST_POSITION
    assert Examined(place) in rewound, "a checkpoint is moved back as well"
    assert followed.error is None
    followed.subscription.dispose()


async def test_a_lost_connection_while_it_rewinds_is_retried(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)
    for number in range(5):
        store.write(type="Counted" if number else "Wanted")
    followed = Followed(store)
    await followed.until(CaughtUp())
    del store.records[1:]
    read_at, failures = FollowedAll.read_at, [CUT, CUT]

    async def fail_first(self: FollowedAll, place: Position) -> Event | None:
        if failures:
            raise failures.pop()
        return await read_at(self, place)

    monkeypatch.setattr(FollowedAll, "read_at", fail_first)
    store.subscriptions[0].end(CUT)
    store.write(type="Wanted")
    await followed.until(1)
    assert not failures
    assert followed.numbers == [0, 1]
    followed.subscription.dispose()


@pytest.mark.parametrize("lost", [0, 1])
async def test_with_server_filters_the_end_of_the_log_shows_a_loss(
    store: FakeStore, lost: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server examines events up to the end of the log, which is after the last commit."""
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)

    class Filtering(FakeStore):
        async def read_all_page(self, *args: Any, **options: Any) -> AllPage:
            page = await super().read_all_page(*args, **options)
            if page.next_position.prepare == 0:
                page.examined = page.next_position
            return page

    store = Filtering()
    for number in range(5):
        store.write(type="Counted" if number else "Wanted")
    followed = Followed(store)
    await followed.until(CaughtUp())
    assert Examined(Position(550, 0)) in followed.items
    del store.records[5 - lost :]
    store.subscriptions[0].end(CUT)
    if lost:
        await followed.until(Examined(Position(100, 100)))
        assert "the subscription to $all had examined, up to 550/0;" in caplog.text
        assert "it continues after 100/100" in caplog.text
        followed.subscription.dispose()
    else:
        while followed.items.count(CaughtUp()) < 2:
            await followed.until_changed()
        store.write(type="Wanted")
        await followed.until(5)


@pytest.mark.parametrize("phase", ["read", "subscribe", "next"])
@pytest.mark.parametrize("cuts", range(1, 5))
async def test_a_lost_connection_in_any_phase_repeats_no_match(store: FakeStore, phase: str, cuts: int) -> None:
    def write() -> int:
        number = len(store.records)
        store.write(type="Counted" if number % 3 else "Wanted")
        return number

    def step(name: str) -> None:
        if len(store.records) < 20:
            write()
        if name == phase and store.steps.count(phase) <= cuts:
            raise CUT

    store.step = step
    followed = Followed(store)
    await followed.until(CaughtUp())
    while (number := write()) < 39:
        if number % 3 == 0:
            await followed.until(number)
    await followed.until(39)
    assert followed.numbers == list(range(0, 40, 3))
    assert store.steps.count(phase) >= cuts, "it was cut so often"
    followed.subscription.dispose()
