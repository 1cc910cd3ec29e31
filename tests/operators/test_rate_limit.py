from __future__ import annotations

from types import SimpleNamespace

import asyncio_throttle.throttler
import pytest

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from tests.fakes import Pages, numbers
from tests.operators.sources import Clock, Feed, HeldSink, Seen, settle


@pytest.fixture
def throttled(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The throttler looks at the same time as the loop."""
    monkeypatch.setattr(asyncio_throttle.throttler, "time", SimpleNamespace(monotonic=clock))
    return clock


async def pass_time(clock: Clock, seconds: float) -> None:
    """In steps, as the throttler looks from time to time."""
    for _ in range(round(seconds / 0.05)):
        await clock.advance(0.05)


async def test_no_more_than_so_many_in_any_stretch(throttled: Clock) -> None:
    feed, seen = Feed(), Seen()
    seen.of(feed.pipe(ops.rate_limit(2, per=1.0)))
    for item in "abcde":
        feed.on_next(item)
    feed.on_completed()
    await settle()
    assert seen.items == ["a", "b"]
    await pass_time(throttled, 0.9)
    assert seen.items == ["a", "b"]
    await pass_time(throttled, 0.2)
    assert seen.items == ["a", "b", "c", "d"]
    assert not seen.is_ended
    await pass_time(throttled, 1.1)
    assert seen.items == ["a", "b", "c", "d", "e"]
    assert seen.origins == ["a", "b", "c", "d", "e"]
    assert seen.completed == 1


async def test_time_in_which_the_sink_was_full_is_not_made_up_for(throttled: Clock) -> None:
    feed, sink = Feed(), HeldSink()
    subscription = feed.pipe(ops.rate_limit(2, per=1.0)).subscribe(sink.on_next)
    for item in "abcdefg":
        feed.on_next(item)
    await pass_time(throttled, 10)
    assert sink.items == ["a"]
    taken = []
    for _ in range(5):
        taken += sink.take(1)
        await settle()
    assert taken == ["a", "b", "c"], "two in the second that has begun"
    subscription.dispose()


async def test_it_holds_a_source_that_is_faster(throttled: Clock) -> None:
    pages, seen = Pages(numbers(100, 10)), Seen()
    subscription = seen.of(pages.source(BackgroundTasks("test")).pipe(ops.rate_limit(5, high=20)))
    await settle(100)
    assert seen.items == [0, 1, 2, 3, 4]
    assert pages.asked <= 3
    subscription.dispose()


def test_a_limit_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="count is 0"):
        ops.rate_limit(0)
    with pytest.raises(InvalidArgument, match="per is 0"):
        ops.rate_limit(1, per=0)
