"""Operators that look at the clock, whose time passes when the test says so."""

from __future__ import annotations

import pytest
from reactivex import defer

from rxpump import operators as ops
from rxpump.errors import ConnectionClosed, InvalidArgument, NotConnected
from rxpump.new_event import NewEvent
from tests.operators.sources import Clock, Feed, Seen, settle


async def test_a_batch_is_full_by_count_by_time_or_by_bytes(clock: Clock) -> None:
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.batch(3, max_time=5.0)))
    for item in "abcd":
        feed.on_next(item)
    await settle()
    assert seen.items == [["a", "b", "c"]]
    await clock.advance(4.9)
    assert len(seen.items) == 1
    await clock.advance(0.2)
    assert seen.items == [["a", "b", "c"], ["d"]]
    feed.on_next("e")
    feed.on_completed()
    await seen.until_ended()
    assert seen.items[2:] == [["e"]]
    assert seen.origins == ["c", "d", "e"]


async def test_a_batch_by_bytes() -> None:
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.batch(100, max_bytes=10)))
    for size in (4, 4, 4, 50, 1):
        feed.on_next(NewEvent("Blob", bytes(size)))
    feed.on_completed()
    await seen.until_ended()
    assert [[len(each.data) for each in batch] for batch in seen.items] == [[4, 4], [4], [50], [1]]


async def test_retry_waits_longer_each_time_and_gives_up(clock: Clock) -> None:
    feeds = [Feed() for _ in range(4)]
    turns = iter(feeds)
    seen = Seen()
    lost = ConnectionClosed("server", "cut")

    seen.of(defer(lambda _: next(turns)).pipe(ops.retry_with_backoff(2, min_delay=1, max_delay=9, jitter=0)))
    feeds[0].on_error(lost)
    await clock.advance(0.9)
    assert not feeds[1].observers
    await clock.advance(0.2)
    feeds[1].on_error(lost)
    await clock.advance(1.5)
    assert not feeds[2].observers
    await clock.advance(0.6)
    feeds[2].on_error(lost)
    assert seen.errors == [lost]


async def test_retry_begins_anew_after_a_success_and_leaves_what_is_final(clock: Clock) -> None:
    feeds = [Feed() for _ in range(3)]
    turns = iter(feeds)
    seen = Seen()
    lost, final = ConnectionClosed("server", "cut"), NotConnected("closed")

    seen.of(defer(lambda _: next(turns)).pipe(ops.retry_with_backoff(1, min_delay=1, jitter=0)))
    feeds[0].on_error(lost)
    await clock.advance(1.1)
    feeds[1].on_next("a")
    feeds[1].on_error(lost)
    await clock.advance(1.1)
    feeds[2].on_error(final)
    assert (seen.items, seen.errors) == (["a"], [final])


async def test_retry_resumes_a_source_that_can(clock: Clock) -> None:
    resumed: list[tuple[str, Feed]] = []

    class Resumable(Feed):
        def resume_after(self, item: str) -> Feed:
            following = Resumable()
            resumed.append((item, following))
            return following

    feed, seen = Resumable(), Seen()
    seen.of(ops.retry_with_backoff(min_delay=1, jitter=0)(feed))
    feed.on_next("a")
    feed.on_next("b")
    feed.on_error(ConnectionClosed("server", "cut"))
    await clock.advance(1.1)
    ((last, following),) = resumed
    following.on_next("c")
    following.on_completed()
    assert (last, seen.items, seen.completed) == ("b", ["a", "b", "c"], 1)


@pytest.mark.parametrize("wrong", [{"max_size": 0}, {"max_size": 1, "max_time": 0}, {"max_size": 1, "max_bytes": 0}])
def test_a_batch_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidArgument):
        ops.batch(**wrong)


async def test_rate_limit_lets_so_many_through_in_a_period(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncio_throttle.throttler.time.monotonic", clock)
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.rate_limit(2, per=10.0)))
    for item in "abcde":
        feed.on_next(item)
    await settle()
    assert seen.items == ["a", "b"]
    await clock.advance(9.0)
    assert seen.items == ["a", "b"]
    await clock.advance(1.5)
    assert seen.items == ["a", "b", "c", "d"]
    feed.on_completed()
    await clock.advance(11.0)
    await seen.until_ended()
    assert seen.items == ["a", "b", "c", "d", "e"]
