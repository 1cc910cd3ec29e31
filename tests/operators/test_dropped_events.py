"""For checkpoints, dropped events are finished, but events that an operator may keep are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from functools import partial
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.progress import ProgressTracker
from rxpump.checkpoints import Checkpoint
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.signals import CaughtUp, Examined
from rxpump.pipeline_root import root_of
from rxpump.server import EmbeddedServer
from rxpump.streams.source import PageSource
from tests.operators.events import events
from tests.operators.sources import Clock, Gates, Seen, settle
from tests.operators.stores import Store


class Subscription:
    """A source that delivers a page when the test calls `deliver`, and does not end."""

    def __init__(self) -> None:
        self._pages: asyncio.Queue[Iterable[Any]] = asyncio.Queue()
        self.source: PageSource[Any] = PageSource(BackgroundTasks("test"), "subscription", self._open)

    async def _open(self) -> AsyncGenerator[Iterable[Any], None]:
        while True:
            yield await self._pages.get()

    async def deliver(self, page: Iterable[Any]) -> None:
        self._pages.put_nowait(page)
        await settle()


async def same(item: Any) -> Any:
    return item


def never(item: Any) -> bool:
    return False


DROP_EVERYTHING: dict[str, Callable[[], Any]] = {
    "rx.filter": lambda: rx.filter(never),
    "rx.filter_indexed": lambda: rx.filter_indexed(lambda item, index: False),
    "rx.skip_while": lambda: rx.skip_while(lambda item: True),
    "rx.ignore_elements": lambda: rx.ignore_elements(),
    "where": lambda: ops.where(type_prefix="Slept"),
    "of_type": lambda: ops.of_type("Slept"),
    "in_stream": lambda: ops.in_stream("stables"),
    "behind json": lambda: reactivex.compose(ops.json(), rx.map(str), rx.filter(never)),
    "behind map_async": lambda: reactivex.compose(ops.map_async(same, 3), rx.filter(never)),
    "between stages": lambda: reactivex.compose(ops.map_async(same), rx.filter(never), ops.batch(10)),
    "behind several stages": lambda: reactivex.compose(
        ops.flat_map_async(same, 3), ops.batch(4), ops.map_async(same), rx.do_action(print), rx.filter(never)
    ),
}


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("name", DROP_EVERYTHING)
async def test_checkpoints_advance_if_all_events_are_dropped(name: str, every: int, clock: Clock) -> None:
    subscription, store = Subscription(), Store()
    pipeline = subscription.source.pipe(DROP_EVERYTHING[name](), ops.commit_checkpoint(store, every=every))
    running = pipeline.subscribe()
    arrived = events(8)
    for each in arrived:
        await subscription.deliver([each])
        await clock.advance(0)
    await clock.advance(0.9)
    assert store.saved[-1] in (7, 7 - 7 % every), f"after every {every}"
    await clock.advance(0.2)
    assert store.saved[-1] == 7
    assert store.saved == sorted(set(store.saved))
    running.dispose()


async def test_every_counts_dropped_events() -> None:
    subscription, store = Subscription(), Store()
    running = subscription.source.pipe(rx.filter(never), ops.commit_checkpoint(store, every=100)).subscribe()
    await subscription.deliver(events(99))
    assert store.saved == []
    await subscription.deliver(events(100)[99:])
    assert store.saved == [99]
    running.dispose()


async def test_dropped_events_wait_for_earlier_unfinished_work(clock: Clock) -> None:
    subscription, store, gates = Subscription(), Store(), Gates()
    running = subscription.source.pipe(
        rx.filter(lambda each: each.number in (2, 5)),
        ops.map_async(gates, 2),
        rx.filter(lambda each: each.number == 5),
        ops.commit_checkpoint(store, every=1),
    ).subscribe()
    arrived = events(9)
    await subscription.deliver(arrived)
    await clock.advance(5)
    assert store.saved == [1]
    await gates.open(arrived[5])
    await clock.advance(5)
    assert store.saved == [1]
    await gates.open(arrived[2])
    await clock.advance(5)
    assert store.saved[-1] == 8
    running.dispose()


async def test_signals_are_not_saved(clock: Clock) -> None:
    subscription, store = Subscription(), Store()
    running = subscription.source.pipe(rx.filter(never), ops.commit_checkpoint(store)).subscribe()
    await subscription.deliver([*events(3), CaughtUp()])
    await clock.advance(2)
    assert store.saved == [2]
    running.dispose()


@pytest.mark.parametrize(
    "keeping",
    [
        lambda: rx.buffer_with_count(4),
        lambda: rx.pairwise(),
        lambda: reactivex.compose(rx.map(lambda item: item), rx.buffer_with_count(4), rx.map(len)),
        lambda: rx.scan(lambda total, item: item),
        lambda: rx.take_last(1),
        lambda: reactivex.compose(rx.buffer_with_count(4), ops.map_async(same)),
        lambda: reactivex.compose(ops.map_async(same), rx.buffer_with_count(4)),
    ],
)
async def test_events_that_reactivex_may_keep_are_not_saved(keeping: Any, clock: Clock) -> None:
    subscription, store, seen = Subscription(), Store(), Seen()
    running = seen.of(subscription.source.pipe(keeping(), rx.filter(never), ops.commit_checkpoint(store, every=1)))
    await subscription.deliver(events(3))
    await clock.advance(5)
    assert store.saved == []
    running.dispose()
    await settle()
    assert store.saved == []


async def test_dispose_saves_dropped_events() -> None:
    subscription, store = Subscription(), Store()
    running = subscription.source.pipe(rx.filter(never), ops.commit_checkpoint(store)).subscribe()
    await subscription.deliver(events(3))
    running.dispose()
    await settle()
    assert store.saved == [2]


@pytest.mark.parametrize("below", [lambda: rx.take(1), lambda: ops.map_async(Gates(), high=1)])
async def test_items_kept_by_later_operators_are_finished(below: Any, clock: Clock) -> None:
    """Items that later operators keep are finished. An item that is being delivered during `dispose` is not."""
    subscription, store = Subscription(), Store()
    running = subscription.source.pipe(ops.commit_checkpoint(store, every=1), below()).subscribe()
    await subscription.deliver(events(1))
    await clock.advance(2)
    assert store.saved in ([0], [])
    running.dispose()


async def test_an_event_whose_subscriber_failed_is_not_saved() -> None:
    subscription, store = Subscription(), Store()
    errors: list[Exception] = []

    def refuse_the_second(each: Any) -> None:
        if each.number == 1:
            raise ValueError("refused")

    pipeline = subscription.source.pipe(ops.commit_checkpoint(store), rx.do_action(refuse_the_second))
    pipeline.subscribe(on_error=errors.append)
    await subscription.deliver(events(3))
    assert [str(error) for error in errors] == ["refused"]
    assert store.saved == [0]


async def test_an_event_whose_async_work_fails_is_not_saved() -> None:
    subscription, store = Subscription(), Store()
    errors: list[Exception] = []

    async def work(each: Any) -> Any:
        if each.number == 4:
            raise LookupError("no such flight")
        return each

    subscription.source.pipe(ops.map_async(work), rx.filter(never), ops.commit_checkpoint(store)).subscribe(
        on_error=errors.append
    )
    await subscription.deliver(events(6))
    assert [str(error) for error in errors] == ["no such flight"]
    assert store.saved == [3]


async def test_two_checkpoints_in_one_pipeline_advance_separately(clock: Clock) -> None:
    subscription, above, below = Subscription(), Store(), Store()
    running = subscription.source.pipe(
        rx.filter(lambda each: each.number < 3),
        ops.commit_checkpoint(above, every=1),
        rx.filter(lambda each: each.number < 2),
        ops.commit_checkpoint(below, every=1),
    ).subscribe()
    await subscription.deliver(events(6))
    await clock.advance(2)
    assert (above.saved[-1], below.saved[-1]) == (5, 1)
    running.dispose()


async def test_a_pipeline_inside_a_handler_has_its_own_progress() -> None:
    """Tasks inherit the context of the pipeline that started them."""
    outer, outer_store, inner_store = Subscription(), Store(), Store()

    async def copy(each: Any) -> Any:
        inner = Subscription()
        running = inner.source.pipe(rx.filter(never), ops.commit_checkpoint(inner_store, every=1)).subscribe()
        await inner.deliver(events(30)[20:])
        running.dispose()
        return each

    running = outer.source.pipe(
        ops.map_async(copy), rx.filter(never), ops.commit_checkpoint(outer_store, every=1)
    ).subscribe()
    await outer.deliver(events(2))
    await settle(300)
    assert outer_store.saved[-1] == 1
    assert set(inner_store.saved) == {29}
    running.dispose()


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> Any:
    async with rxpump.connect(memory_server.uri.replace("//", "//admin:changeit@")) as client:
        await client.publish("in", [NewEvent("Counted") for _ in range(50)])
        yield client


class Awaited(Store):
    """A store whose saves a test can await."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    async def save(self, checkpoint: Any) -> None:
        await super().save(checkpoint)
        self._news.set()

    async def until(self, number: int) -> None:
        while number not in self.saved:
            self._news.clear()
            await self._news.wait()


PIPELINES: dict[str, Callable[[rxpump.Client], Any]] = {
    "a filter": lambda client: rx.filter(never),
    "a filter before publish_to": lambda client: reactivex.compose(
        rx.filter(never), ops.to_event("Late"), ops.publish_to(client, "out")
    ),
    "a filter behind publish_to": lambda client: reactivex.compose(ops.publish_to(client, "out"), rx.filter(never)),
    "a filter before link_into": lambda client: reactivex.compose(rx.filter(never), ops.link_into(client, "out")),
    "work, and a filter": lambda client: reactivex.compose(ops.map_async(same, 8), rx.filter(never)),
}


@pytest.mark.parametrize("name", PIPELINES)
async def test_checkpoints_of_a_real_subscription_advance(client: rxpump.Client, name: str) -> None:
    store = Awaited()
    pipeline = client.stream("in").pipe(PIPELINES[name](client), ops.commit_checkpoint(store, every=10))
    running = pipeline.subscribe()
    await store.until(49)
    await client.publish("in", [NewEvent("Counted") for _ in range(10)])
    await store.until(59)
    running.dispose()


async def test_deliveries_are_acknowledged_below_a_checkpoint(client: rxpump.Client) -> None:
    store = Awaited()
    await client.create_subscription("g", "in", start_from=0)
    seen = await client.connect_subscription("g", "in").pipe(
        ops.commit_checkpoint(store, every=1), ops.ack_each(), rx.take(50), rx.count()
    )
    assert seen == 50


async def test_positions_that_a_filter_has_examined_are_saved(client: rxpump.Client) -> None:
    """Resuming from each checkpoint loses no event and delivers none twice."""
    where, store, seen = ops.where(type_prefix="Unicorn"), Awaited(), Seen()
    delivered: list[tuple[Checkpoint, int]] = []
    save = store.save

    async def note(checkpoint: Checkpoint) -> None:
        delivered.append((checkpoint, len(seen.items)))
        await save(checkpoint)

    store.save = note  # type: ignore[method-assign]
    source = client.stream_all(where=where, batch_size=20).pipe(ops.map_async(same))
    running = seen.of(source.pipe(ops.commit_checkpoint(store, every=1)))
    await store.until(-1)
    assert seen.items == []
    for number in range(3):
        await client.publish_event("herd", "UnicornSeen", {"n": number})
        await store.until(number)
        await client.publish("in", [NewEvent("Counted") for _ in range(700)])
    await client.publish_event("herd", "UnicornSeen", {"n": 3})
    await store.until(3)
    running.dispose()
    assert {checkpoint.stream for checkpoint, _ in delivered} == {"$all", "herd"}
    for checkpoint, count in delivered:
        assert checkpoint.position is not None
        rest = client.stream_all(checkpoint.position, where=where).pipe(
            ops.until_caught_up(), rx.map(lambda event: event.number), rx.to_list()
        )
        numbers = await rest
        assert numbers == list(range(4 - len(numbers), 4)), "none is lost"
        assert 4 - len(numbers) <= count, "each before it was delivered"
        if checkpoint.stream == "herd":
            assert numbers == list(range(checkpoint.number + 1, 4)), "none is delivered twice"


def test_an_examined_position_waits_for_the_events_before_it() -> None:
    tracker = ProgressTracker()
    kept = tracker.begin("an event that an operator keeps")
    examined = tracker.begin(Examined(Position(7, 7)))
    examined.release()
    assert tracker.done is None
    kept.release()
    assert tracker.done == Examined(Position(7, 7))


def _always(operator: Any, client: Any) -> Any:
    return operator


UNDERSTOOD: dict[str, Callable[[Any], Any]] = {
    "batch": lambda client: ops.batch(3),
    "commit_checkpoint": lambda client: ops.commit_checkpoint(Store()),
    "decode": lambda client: ops.decode({}),
    "distinct_by_id": lambda client: ops.distinct_by_id(),
    "exhaust_map_async": lambda client: ops.exhaust_map_async(same),
    "flat_map_async": lambda client: ops.flat_map_async(same, 2),
    "in_stream": lambda client: ops.in_stream("s"),
    "json": lambda client: ops.json(),
    "link_into": lambda client: ops.link_into(client, "s"),
    "map_async": lambda client: ops.map_async(same),
    "nack_on_error": lambda client: ops.nack_on_error(rxpump.NackAction.PARK, ops.json()),
    "of_type": lambda client: ops.of_type("T"),
    "on_backpressure_buffer": lambda client: ops.on_backpressure_buffer(3),
    "on_backpressure_drop": lambda client: ops.on_backpressure_drop(),
    "on_backpressure_latest": lambda client: ops.on_backpressure_latest(),
    "partition_by": lambda client: ops.partition_by(str, same, 2),
    "publish_to": lambda client: ops.publish_to(client, "s"),
    "rate_limit": lambda client: ops.rate_limit(1, 1),
    "to_event": lambda client: ops.to_event("T"),
    "where": lambda client: ops.where(type_prefix="T"),
    "without_system_events": lambda client: ops.without_system_events(),
    **{
        f"rx.{name}": partial(_always, operator)
        for name, operator in {
            "as_observable": rx.as_observable(),
            "distinct": rx.distinct(),
            "distinct_until_changed": rx.distinct_until_changed(),
            "do_action": rx.do_action(print),
            "filter": rx.filter(never),
            "filter_indexed": rx.filter_indexed(lambda item, index: True),
            "finally_action": rx.finally_action(print),
            "ignore_elements": rx.ignore_elements(),
            "map": rx.map(str),
            "pluck": rx.pluck("x"),
            "skip": rx.skip(1),
            "skip_while": rx.skip_while(never),
            "starmap": rx.starmap(lambda *numbers: max(numbers)),
            "take": rx.take(1),
            "take_while": rx.take_while(never),
        }.items()
    },
}
NOT_UNDERSTOOD: dict[str, Any] = {
    "ops.retry_with_backoff": ops.retry_with_backoff(),
    "buffer_with_count": rx.buffer_with_count(3),
    "scan": rx.scan(max),
    "flat_map": rx.flat_map(reactivex.just),
    "delay": rx.delay(1),
    "pairwise": rx.pairwise(),
    "retry": rx.retry(),
    "share": rx.share(),
    "take_last": rx.take_last(1),
    "to_list": rx.to_list(),
    "window": rx.window_with_count(3),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_the_operator_keeps_no_items_unnoticed(name: str) -> None:
    """If this fails with a new release of reactivex, checkpoints do not advance while all events are dropped."""
    source = Subscription().source
    operator = UNDERSTOOD[name](rxpump.connect("tcp://nowhere:1"))
    assert root_of(source.pipe(operator)) is source
    assert root_of(source.pipe(rx.map(str)).pipe(operator, rx.filter(never))) is source


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_the_operator_may_keep_items(name: str) -> None:
    source = Subscription().source
    assert root_of(source.pipe(NOT_UNDERSTOOD[name])) is not source
    assert root_of(source.pipe(rx.map(str), NOT_UNDERSTOOD[name], rx.filter(never))) is not source


def test_every_operator_is_in_one_of_the_tables() -> None:
    first = {
        "with_signals",
        "until_caught_up",
        "ack_each",
    }  # operators for subscriptions themselves, or for deliveries
    others = {name for name in ops.__all__ if name[0].islower()} - first - {"retry_with_backoff"}
    assert others == {name for name in UNDERSTOOD if not name.startswith("rx.")}
