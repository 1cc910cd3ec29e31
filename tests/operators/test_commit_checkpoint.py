"""Never past an event whose work is unfinished; and not further behind than was asked."""

from __future__ import annotations

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.checkpoints import Checkpoint
from rxpump.errors import InvalidArgument
from tests.operators.events import event, events
from tests.operators.sources import Feed, Gates, Seen, settle


class Store:
    def __init__(self) -> None:
        self.saved: list[int] = []
        self.failure: Exception | None = None

    async def load(self) -> Checkpoint | None:
        return Checkpoint("ponies", self.saved[-1]) if self.saved else None

    async def save(self, checkpoint: Checkpoint) -> None:
        if self.failure is not None:
            raise self.failure
        self.saved.append(checkpoint.number)


async def test_it_saves_every_so_many_events_and_the_last_before_it_completes() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    seen.of(feed.pipe(ops.commit_checkpoint(store, every=3)))
    for each in events(7):
        feed.on_next(each)
        await settle()
    assert len(store.saved) == 2
    assert store.saved[-1] <= 5
    feed.on_completed()
    await seen.until_ended()
    assert store.saved[-1] == 6
    assert len(seen.items) == 7


@pytest.mark.parametrize("concurrent", [1, 3])
async def test_behind_map_async_it_waits_for_the_oldest(concurrent: int) -> None:
    feed, store, gates = Feed(), Store(), Gates()
    arrived = events(4)
    running = feed.pipe(ops.map_async(gates, concurrent), ops.commit_checkpoint(store, every=1)).subscribe()
    for each in arrived:
        feed.on_next(each)
    await settle()
    if concurrent == 3:
        await gates.open(arrived[1], arrived[2])
        assert store.saved == [], "event 0 is not done"
    await gates.open(arrived[0])
    assert store.saved
    assert store.saved[-1] <= (2 if concurrent == 3 else 0)
    running.dispose()


async def test_behind_work_that_finishes_out_of_order() -> None:
    feed, store, gates, seen = Feed(), Store(), Gates(), Seen()
    arrived = events(4)
    seen.of(feed.pipe(ops.flat_map_async(gates, 4), ops.commit_checkpoint(store, every=1)))
    for each in arrived:
        feed.on_next(each)
    await settle()
    await gates.open(arrived[3], arrived[1])
    assert store.saved == []
    await gates.open(arrived[0])
    assert all(number <= 1 for number in store.saved)
    await gates.open(arrived[2])
    feed.on_completed()
    await seen.until_ended()
    assert store.saved[-1] == 3
    assert [each.number for each in seen.items] == [3, 1, 0, 2]


async def test_the_first_of_several_results_does_not_commit_its_event() -> None:
    feed, store = Feed(), Store()
    taken: list[list[int]] = []
    feed.pipe(
        rx.flat_map(lambda each: reactivex.from_iterable([each, each, each])),
        ops.commit_checkpoint(store, every=1),
    ).subscribe(lambda each: taken.append(list(store.saved)))
    first, second = events(2)
    feed.on_next(first)
    assert taken == [[], [], []]
    await settle()
    assert store.saved == [0]
    feed.on_next(second)
    assert taken[3:] == [[0], [0], [0]]
    feed.on_completed()
    await settle()


async def test_an_event_whose_subscriber_failed_is_not_committed() -> None:
    feed, store, errors = Feed(), Store(), []

    def refuse_the_second(each: object) -> None:
        if each is arrived[1]:
            raise ValueError("refused")

    arrived = events(3)
    feed.pipe(ops.commit_checkpoint(store, every=1), rx.do_action(refuse_the_second)).subscribe(
        on_error=errors.append
    )
    for each in arrived[:2]:
        feed.on_next(each)
        await settle()
    assert [str(error) for error in errors] == ["refused"]
    assert store.saved in ([], [0])


async def test_a_save_that_fails_is_the_error() -> None:
    feed, store, seen = Feed(), Store(), Seen()
    store.failure = OSError("disk full")
    seen.of(feed.pipe(ops.commit_checkpoint(store, every=1)))
    feed.on_next(event())
    await seen.until_ended()
    assert [str(error) for error in seen.errors] == ["disk full"]
    assert not feed.observers


async def test_merged_sources_have_no_progress() -> None:
    left, right, seen = Feed(), Feed(), Seen()
    seen.of(reactivex.merge(left, right).pipe(ops.commit_checkpoint(Store())))
    left.on_next(event())
    right.on_next(event())
    await settle()
    (error,) = seen.errors
    assert isinstance(error, InvalidArgument)
    assert "sources that are merged" in str(error)
