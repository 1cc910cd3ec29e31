"""A checkpoint is never later than an unfinished event, and is saved as often as requested."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.checkpoints import Checkpoint
from rxpump.errors import InvalidArgument
from rxpump.model.positions import Position
from rxpump.model.signals import CaughtUp
from tests.fakes import Pages
from tests.operators.events import event, events, linked
from tests.operators.sources import Clock, Feed, Gates, HeldSink, Seen, settle
from tests.operators.stores import Store


def three_times(item: Any) -> reactivex.Observable[Any]:
    return reactivex.of(item, item, item)


# When it saves ----------------------------------------------------------------------------------------


async def test_checkpoints_are_saved_every_n_events_and_at_completion() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    seen.of(feed.pipe(ops.commit_checkpoint(store, every=3)))
    for each in events(7):
        feed.on_next(each)
        await settle()
    assert store.saved == [2, 5]
    feed.on_completed()
    assert not seen.is_ended, "it is saved first"
    await seen.until_ended()
    assert store.saved == [2, 5, 6]
    assert len(seen.items) == 7


async def test_a_checkpoint_is_saved_after_the_interval(clock: Clock) -> None:
    feed, store = Feed(), Store()
    subscription = feed.pipe(ops.commit_checkpoint(store, every=100, interval=2.0)).subscribe()
    await settle()
    for each in events(3):
        feed.on_next(each)
    await clock.advance(1.9)
    assert store.saved == []
    await clock.advance(0.2)
    assert store.saved == [2]
    await clock.advance(10)
    assert store.saved == [2], "nothing new, nothing to save"
    subscription.dispose()


@pytest.mark.parametrize("given_to", ["operator", "subscribe"])
async def test_virtual_time_drives_the_interval(given_to: str) -> None:
    scheduler = VirtualTimeScheduler()
    feed, store = Feed(), Store()
    to_operator, to_subscribe = (scheduler, None) if given_to == "operator" else (None, scheduler)
    saving = ops.commit_checkpoint(store, every=100, interval=60, scheduler=to_operator)
    subscription = feed.pipe(saving).subscribe(scheduler=to_subscribe)
    await settle()
    for each in events(3):
        feed.on_next(each)
    scheduler.advance_to(59)
    await settle()
    assert store.saved == []
    scheduler.advance_to(60)
    await settle()
    assert store.saved == [2]
    subscription.dispose()


async def test_an_infinite_interval_starts_no_timer() -> None:
    scheduler = VirtualTimeScheduler()
    feed, store = Feed(), Store()
    saving = ops.commit_checkpoint(store, every=2, interval=inf, scheduler=scheduler)
    subscription = feed.pipe(saving).subscribe()
    for each in events(2):
        feed.on_next(each)
    await settle()
    assert store.saved == [1]
    subscription.dispose()


async def test_one_save_runs_at_a_time_and_the_latest_follows() -> None:
    feed, gates = Feed(), Gates()
    store, seen = Store(gates), Seen()
    seen.of(feed.pipe(ops.commit_checkpoint(store, every=1)))
    first, *more = events(5)
    feed.on_next(first)
    await settle()
    for each in more:
        feed.on_next(each)
        await settle()
    assert gates.begun == [0]
    await gates.open(0)
    assert gates.begun == [0, 4]
    feed.on_completed()
    await gates.open(4)
    assert store.saved == [0, 4]
    assert seen.completed == 1


async def test_completion_during_a_save_waits_and_saves_the_rest() -> None:
    feed, gates = Feed(), Gates()
    store, seen = Store(gates), Seen()
    seen.of(feed.pipe(ops.commit_checkpoint(store, every=1)))
    for each in events(2):
        feed.on_next(each)
        await settle()
    feed.on_completed()
    await gates.open(0)
    assert not seen.is_ended
    await gates.open(1)
    assert seen.completed == 1
    assert store.saved == [0, 1]


async def test_an_empty_source_saves_no_checkpoint() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    seen.of(feed.pipe(ops.commit_checkpoint(store)))
    feed.on_completed()
    await seen.until_ended()
    assert store.saved == []


# Saved checkpoints ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (event(stream="s", number=7), Checkpoint("s", 7)),
        (event(stream="s", number=7, position=100), Checkpoint("s", 7, Position(100, 100))),
        (linked(event(stream="s", number=7), stream="links", number=3), Checkpoint("links", 3)),
    ],
)
async def test_a_checkpoint_has_the_place_where_the_event_was_read(received: Any, expected: Checkpoint) -> None:
    store = Store()
    await Pages([[received]]).source(BackgroundTasks("test")).pipe(ops.commit_checkpoint(store))
    assert store.checkpoints == [expected]


async def test_signals_do_not_affect_the_checkpoint() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    seen.of(feed.pipe(ops.commit_checkpoint(store)))
    for item in [CaughtUp(), *events(2), CaughtUp()]:
        feed.on_next(item)
    feed.on_completed()
    await seen.until_ended()
    assert len(seen.items) == 4
    assert store.saved == [1]


@pytest.mark.parametrize("concurrent", [1, 3])
async def test_behind_map_async_the_oldest_event_limits_the_checkpoint(concurrent: int) -> None:
    feed, store, gates, seen = Feed(), Store(), Gates(), Seen()
    arrived = events(4)
    seen.of(feed.pipe(ops.map_async(gates, concurrent), ops.commit_checkpoint(store, every=1)))
    for each in arrived:
        feed.on_next(each)
    await settle()
    if concurrent == 3:
        await gates.open(arrived[1], arrived[2])
        assert store.saved == [], "event 0 is not done"
    await gates.open(arrived[0])
    assert store.saved[-1] == (2 if concurrent == 3 else 0)
    feed.on_completed()
    for each in arrived[3 if concurrent == 3 else 1 :]:
        await gates.open(each)
    assert store.saved[-1] == 3
    assert seen.completed == 1


async def test_out_of_order_results_are_saved_in_order() -> None:
    feed, store, gates, seen = Feed(), Store(), Gates(), Seen()
    arrived = events(4)
    seen.of(feed.pipe(ops.flat_map_async(gates, 4), ops.commit_checkpoint(store, every=1)))
    for each in arrived:
        feed.on_next(each)
    await settle()
    await gates.open(arrived[3], arrived[1])
    assert store.saved == []
    await gates.open(arrived[0])
    assert store.saved == [1]
    await gates.open(arrived[2])
    assert store.saved == [1, 3]
    assert [each.number for each in seen.items] == [3, 1, 0, 2]
    feed.on_completed()
    await seen.until_ended()


def parts(each: Any) -> reactivex.Observable[tuple[int, str]]:
    return reactivex.of(*((each.number, part) for part in "abc"))


def is_first_or_fifth(each: Any) -> bool:
    return each.number in (0, 4)


async def test_an_event_is_finished_with_its_last_result() -> None:
    feed, store, gates = Feed(), Store(), Gates()
    subscription = feed.pipe(
        rx.flat_map(parts),
        ops.map_async(gates),
        ops.commit_checkpoint(store, every=1),
    ).subscribe()
    for each in events(2):
        feed.on_next(each)
    await settle()
    await gates.open((0, "a"), (0, "b"))
    assert store.saved == [], "two of three are delivered, and turns have passed"
    await gates.open((0, "c"))
    assert store.saved == [0]
    await gates.open((1, "a"), (1, "b"))
    assert store.saved == [0]
    await gates.open((1, "c"))
    assert store.saved == [0, 1]
    subscription.dispose()


async def test_an_event_is_not_finished_during_its_delivery() -> None:
    feed, store = Feed(), Store()
    taken: list[list[int]] = []
    feed.pipe(rx.flat_map(three_times), ops.commit_checkpoint(store, every=1)).subscribe(
        lambda each: taken.append(list(store.saved))
    )
    for each in events(2):
        feed.on_next(each)
        await settle()
    assert taken == [[], [], [], [0], [0], [0]]
    feed.on_completed()
    await settle()


async def test_filtered_out_results_are_finished_with_a_later_one() -> None:
    feed, store = Feed(), Store()
    subscription = feed.pipe(rx.filter(is_first_or_fifth), ops.commit_checkpoint(store, every=1)).subscribe()
    for each in events(6):
        feed.on_next(each)
        await settle()
    assert store.saved == [0, 4]
    subscription.dispose()


async def test_no_stage_lets_an_unfinished_event_be_saved() -> None:
    feed, store, sink = Feed(), Store(), HeldSink()

    async def same(item: Any) -> Any:
        return item

    subscription = feed.pipe(
        ops.map_async(same),
        rx.flat_map(three_times),
        ops.flat_map_async(same, 3),
        ops.batch(2),
        rx.flat_map(reactivex.from_iterable),
        ops.map_async(same),
        ops.commit_checkpoint(store, every=1),
    ).subscribe(sink.on_next)
    for each in events(4):
        feed.on_next(each)
    delivered: list[Any] = []
    while len(delivered) < 12:
        delivered += sink.take(1)
        await settle()
        through = [each for each in {item.number for item in delivered} if delivered_all(delivered, sink.items, each)]
        assert max(store.saved, default=-1) <= max(through, default=-1)
    subscription.dispose()
    await settle()
    assert store.saved[-1] == 3


def delivered_all(delivered: list[Any], kept: list[Any], number: int) -> bool:
    return sum(1 for item in [*delivered, *kept] if item.number == number) == 3


# How it ends ------------------------------------------------------------------------------------------


async def test_dispose_saves_finished_events() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    subscription = seen.of(feed.pipe(ops.commit_checkpoint(store)))
    for each in events(3):
        feed.on_next(each)
    subscription.dispose()
    await settle()
    assert store.saved == [2]
    assert not seen.is_ended


async def test_dispose_during_a_delivery_does_not_save_its_event() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    seen.of(feed.pipe(rx.flat_map(three_times), ops.commit_checkpoint(store), rx.take(5)))
    for each in events(3):
        feed.on_next(each)
    await settle()
    assert seen.completed == 1
    assert store.saved == [0], "two of three results of event 1 were taken"


async def test_an_event_whose_subscriber_failed_is_not_saved() -> None:
    feed, store = Feed(), Store()
    errors: list[Exception] = []
    arrived = events(3)

    def refuse_the_second(each: object) -> None:
        if each is arrived[1]:
            raise ValueError("refused")

    feed.pipe(ops.commit_checkpoint(store), rx.do_action(refuse_the_second)).subscribe(on_error=errors.append)
    for each in arrived:
        feed.on_next(each)
    await settle()
    assert [str(error) for error in errors] == ["refused"]
    assert store.saved == [0]


async def test_an_event_whose_results_end_with_an_error_is_not_saved() -> None:
    feed, store, seen = Feed(), Store(), Seen()

    def break_off(each: Any) -> reactivex.Observable[Any]:
        rest = reactivex.throw(LookupError("broken off")) if each.number == 2 else reactivex.of(each)
        return reactivex.concat(reactivex.of(each), rest)

    seen.of(feed.pipe(rx.flat_map(break_off), ops.commit_checkpoint(store)))
    for each in events(4):
        feed.on_next(each)
    await settle()
    assert [str(error) for error in seen.errors] == ["broken off"]
    assert len(seen.items) == 5
    assert store.saved == [1]


async def test_a_failed_save_is_the_error() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    store.failure = OSError("disk full")
    seen.of(feed.pipe(ops.commit_checkpoint(store, every=1)))
    feed.on_next(event())
    await seen.until_ended()
    assert seen.errors == [store.failure]
    assert not feed.observers


async def test_a_failed_last_save_is_an_error_instead_of_completion() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    store.failure = OSError("disk full")
    seen.of(feed.pipe(ops.commit_checkpoint(store)))
    feed.on_next(event())
    feed.on_completed()
    await seen.until_ended()
    assert (seen.errors, seen.completed) == ([store.failure], 0)


async def test_an_error_after_dispose_reaches_the_exception_handler(nothing_left: list[dict[str, Any]]) -> None:
    feed, store = Feed(), Store()
    store.failure = OSError("disk full")
    subscription = feed.pipe(ops.commit_checkpoint(store)).subscribe()
    feed.on_next(event())
    subscription.dispose()
    await settle()
    (report,) = nothing_left
    assert report["exception"] is store.failure
    assert report["message"] == "the last checkpoint could not be saved"
    nothing_left.clear()


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"every": 0}, "every"),
        ({"interval": 0}, "interval"),
        ({"interval": -1.0}, "interval"),
        ({"scheduler": 3}, "scheduler"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ops.commit_checkpoint(Store(), **options)
    assert raised.value.argument == argument
