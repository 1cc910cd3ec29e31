from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.testing import ReactiveTest, TestScheduler

from rxpump import operators as ops
from rxpump.errors import ConnectionClosed, InvalidArgument, NotConnected, StreamRolledBack
from rxpump.operators.machinery.stage import Operator
from tests.operators.sources import Clock, Feed, Seen

LOST, FINAL = ConnectionClosed("server", "cut"), NotConnected("closed")


class Attempts:
    """A source that creates a new Feed for each subscription."""

    def __init__(self) -> None:
        self.feeds: list[Feed] = []

    def source(self) -> reactivex.Observable[Any]:
        def begin(_: object) -> Feed:
            self.feeds.append(Feed())
            return self.feeds[-1]

        return reactivex.defer(begin)

    @property
    def last(self) -> Feed:
        return self.feeds[-1]


class Resumable(Feed):
    """A source that records where it was resumed, and continues as the Feed in `following`."""

    def __init__(self) -> None:
        super().__init__()
        self.resumed: list[Any] = []
        self.following: list[Feed] = []

    def resume_at(self, place: Any) -> Feed:
        return self.resume_after(f"at {place}")

    def resume_after(self, item: Any) -> Feed:
        self.resumed.append(item)
        self.following.append(Feed())
        return self.following[-1]


def retry(count: int | None = None, **options: Any) -> Operator[Any, Any]:
    return ops.retry_with_backoff(count, **{"min_delay": 1, "max_delay": 8, "jitter": 0, **options})


async def test_a_failed_source_is_subscribed_again_after_a_delay(clock: Clock) -> None:
    attempts, seen = Attempts(), Seen()
    seen.of(attempts.source().pipe(retry()))
    attempts.last.on_next("a")
    attempts.last.on_error(LOST)
    await clock.advance(0.9)
    assert len(attempts.feeds) == 1
    await clock.advance(0.2)
    assert len(attempts.feeds) == 2
    attempts.last.on_next("a")
    attempts.last.on_next("b")
    attempts.last.on_completed()
    assert seen.items == ["a", "a", "b"]
    assert (seen.errors, seen.completed) == ([], 1)


@pytest.mark.parametrize("is_given", [True, False], ids=["given to the operator", "given to subscribe"])
def test_virtual_time_drives_the_delays(is_given: bool) -> None:
    scheduler = TestScheduler()
    own = scheduler if is_given else None
    source = scheduler.create_cold_observable(ReactiveTest.on_next(10, "a"), ReactiveTest.on_error(20, LOST))
    retried = retry(2, min_delay=30, max_delay=100, reset_on_success=False, scheduler=own)
    observer = scheduler.start(lambda: source.pipe(retried))  # The test scheduler subscribes at 200.
    assert observer.messages == [
        ReactiveTest.on_next(210, "a"),
        ReactiveTest.on_next(260, "a"),  # failed at 220, subscribed at 250
        ReactiveTest.on_next(340, "a"),  # failed at 270, subscribed at 330
        ReactiveTest.on_error(350, LOST),
    ]
    assert source.subscriptions == [
        ReactiveTest.subscribe(200, 220),
        ReactiveTest.subscribe(250, 270),
        ReactiveTest.subscribe(330, 350),
    ]


def test_dispose_cancels_the_retry_of_the_scheduler() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_cold_observable(ReactiveTest.on_error(20, LOST))
    scheduler.start(lambda: source.pipe(retry(min_delay=50, max_delay=50, scheduler=scheduler)), disposed=240)
    assert source.subscriptions == [ReactiveTest.subscribe(200, 220)]


async def test_the_delays_double_up_to_max_delay(clock: Clock) -> None:
    attempts, seen = Attempts(), Seen()
    subscription = seen.of(attempts.source().pipe(retry()))
    for wait in (1, 2, 4, 8, 8, 8):
        before = len(attempts.feeds)
        attempts.last.on_error(LOST)
        await clock.advance(wait - 0.1)
        assert len(attempts.feeds) == before
        await clock.advance(0.2)
        assert len(attempts.feeds) == before + 1
    subscription.dispose()


@pytest.mark.parametrize(
    ("reset_on_success", "attempts_made"),
    [(True, 4), (False, 3)],
)
async def test_reset_on_success_decides_if_an_item_resets_the_count(
    clock: Clock, reset_on_success: bool, attempts_made: int
) -> None:
    attempts, seen = Attempts(), Seen()
    seen.of(attempts.source().pipe(retry(2, reset_on_success=reset_on_success)))
    attempts.last.on_error(LOST)
    await clock.advance(1.1)
    attempts.last.on_next("a")
    while not seen.is_ended:
        attempts.last.on_error(LOST)
        await clock.advance(9)
    assert len(attempts.feeds) == attempts_made
    assert seen.errors == [LOST]


async def test_a_count_of_0_retries_nothing(clock: Clock) -> None:
    attempts, seen = Attempts(), Seen()
    seen.of(attempts.source().pipe(retry(0)))
    attempts.last.on_error(LOST)
    assert seen.errors == [LOST]


@pytest.mark.parametrize("error", [FINAL, LookupError("not ours")])
async def test_a_permanent_error_is_not_retried(error: Exception) -> None:
    attempts, seen = Attempts(), Seen()
    seen.of(attempts.source().pipe(retry()))
    attempts.last.on_error(error)
    assert seen.errors == [error]


async def test_retry_on_selects_the_retried_errors(clock: Clock) -> None:
    attempts, seen = Attempts(), Seen()
    seen.of(attempts.source().pipe(retry(retry_on=lambda error: isinstance(error, LookupError))))
    attempts.last.on_error(LookupError())
    await clock.advance(1.1)
    attempts.last.on_error(LOST)
    assert seen.errors == [LOST]


async def test_an_exception_of_retry_on_is_the_error() -> None:
    attempts, seen = Attempts(), Seen()

    def refuse(error: Exception) -> bool:
        raise ValueError("no judge")

    seen.of(attempts.source().pipe(retry(retry_on=refuse)))
    attempts.last.on_error(LOST)
    assert [str(error) for error in seen.errors] == ["no judge"]


async def test_a_resumable_source_resumes_after_the_last_item(clock: Clock) -> None:
    source, seen = Resumable(), Seen()
    seen.of(retry()(source))
    source.on_next("a")
    source.on_next("b")
    source.on_error(LOST)
    await clock.advance(1.1)
    assert source.resumed == ["b"]
    source.following[0].on_error(LOST)
    await clock.advance(2.1)
    assert source.resumed == ["b", "b"]
    source.following[1].on_next("c")
    source.following[1].on_error(LOST)
    await clock.advance(1.1)
    assert source.resumed == ["b", "b", "c"]
    source.following[2].on_completed()
    assert seen.items == ["a", "b", "c"]


async def test_lost_events_are_retried_after_the_newest_kept_one(clock: Clock) -> None:
    source, seen, undone = Resumable(), Seen(), list[Any]()

    def undo(error: Exception) -> bool:
        assert isinstance(error, StreamRolledBack)
        undone.append(error.resume_after)
        return True

    subscription = seen.of(retry(retry_on=undo)(source))
    source.on_next("a")
    source.on_error(StreamRolledBack("s", 5, 3, 2))
    await clock.advance(1.1)
    assert source.resumed == ["at 2"]
    source.following[0].on_next("b")
    source.following[0].on_error(StreamRolledBack("s", 5, 3))
    assert undone == [2, None]
    await clock.advance(1.1)
    assert undone[:3] == [2, None, 2], "without a place it begins again from the start, here with the same error"
    subscription.dispose()


async def test_without_an_item_a_retry_starts_from_the_start(clock: Clock) -> None:
    source, seen = Resumable(), Seen()
    subscription = seen.of(retry()(source))
    source.on_error(LOST)
    await clock.advance(1.1)
    assert source.resumed == []
    subscription.dispose()


async def test_a_source_behind_an_operator_is_not_resumed(clock: Clock) -> None:
    source, seen = Resumable(), Seen()
    subscription = seen.of(source.pipe(rx.map(str), retry()))
    source.on_next("a")
    source.on_error(LOST)
    await clock.advance(1.1)
    assert source.resumed == []
    subscription.dispose()


async def test_dispose_during_a_delay_cancels_the_retry(clock: Clock) -> None:
    attempts, seen = Attempts(), Seen()
    subscription = seen.of(attempts.source().pipe(retry()))
    attempts.last.on_error(LOST)
    subscription.dispose()
    await clock.advance(10)
    assert len(attempts.feeds) == 1


async def test_an_error_during_subscribe_is_retried(clock: Clock) -> None:
    seen, failures = Seen(), [LOST, LOST]

    def source(_: object) -> reactivex.Observable[str]:
        return reactivex.throw(failures.pop()) if failures else reactivex.of("a")

    seen.of(reactivex.defer(source).pipe(retry()))
    await clock.advance(1.1)
    await clock.advance(2.1)
    assert (seen.items, seen.errors, seen.completed) == (["a"], [], 1)


async def test_each_subscription_counts_its_own_retries(clock: Clock) -> None:
    attempts, one, two = Attempts(), Seen(), Seen()
    pipeline = attempts.source().pipe(retry(1))
    one.of(pipeline)
    two.of(pipeline)
    for feed in list(attempts.feeds):
        feed.on_error(LOST)
    await clock.advance(1.1)
    assert (one.errors, two.errors) == ([], [])
    for feed in attempts.feeds[2:]:
        feed.on_completed()
    assert (one.completed, two.completed) == (1, 1)


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: ops.retry_with_backoff(-1), "attempts"),
        (lambda: ops.retry_with_backoff(min_delay=0), "min_delay"),
        (lambda: ops.retry_with_backoff(max_delay=0.01), "max_delay"),
        (lambda: ops.retry_with_backoff(jitter=2), "jitter"),
    ],
)
def test_invalid_delays_are_refused(make: Callable[[], object], argument: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        make()
    assert raised.value.argument == argument
