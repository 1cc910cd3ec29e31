"""The Rx contract, tested for every operator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.subject import Subject

import rxpump.operators as ops
from rxpump.backpressure.upstream import Upstream
from rxpump.checkpoints import Checkpoint
from rxpump.errors import InvalidArgument
from rxpump.model.group_settings import NackAction
from rxpump.model.results import WriteResult
from rxpump.streams.observable import Piped
from tests.operators.deliveries import delivered
from tests.operators.events import event as an_event
from tests.operators.sources import Feed, Seen, settle

Make = Callable[[], Any]
PARK = NackAction.PARK


class Memory:
    """A checkpoint store in memory."""

    def __init__(self) -> None:
        self.saved: list[Checkpoint] = []

    async def load(self) -> Checkpoint | None:
        return self.saved[-1] if self.saved else None

    async def save(self, checkpoint: Checkpoint) -> None:
        self.saved.append(checkpoint)


class Publishing:
    """A client for `publish_to` that acknowledges each event alone, in an Upstream of its own."""

    def publish(self, stream: str, events: Any, **_: Any) -> Any:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            upstream, numbers = Upstream("publish"), count()

            def write(event: Any) -> None:
                number = next(numbers)
                result = WriteResult(stream, number, number, None)
                upstream.deliver(observer.on_next, result, None, None)

            return events.subscribe(write, observer.on_error, observer.on_completed, scheduler=scheduler)

        return reactivex.Observable(subscribe)


class Linking:
    """A client for `link_into` that acknowledges every write."""

    def __init__(self) -> None:
        self.written = 0

    async def publish(self, stream: str, events: list[Any], *, expected_version: int = -2) -> WriteResult:
        await asyncio.sleep(0)
        first, self.written = self.written, self.written + len(events)
        return WriteResult(stream, first, self.written - 1, None)


@dataclass
class Jump:
    n: int


async def same(item: Any) -> Any:
    await asyncio.sleep(0)
    return item


OPERATORS: dict[str, Make] = {
    "ack_each": lambda: reactivex.compose(delivered(), ops.ack_each()),
    "batch": lambda: ops.batch(2),
    "commit_checkpoint": lambda: ops.commit_checkpoint(Memory()),
    "decode": lambda: ops.decode(Jump),
    "distinct_by_id": ops.distinct_by_id,
    "exhaust_map_async": lambda: ops.exhaust_map_async(same),
    "flat_map_async": lambda: ops.flat_map_async(same, 3),
    "in_stream": lambda: ops.in_stream("ponies"),
    "json": ops.json,
    "link_into": lambda: ops.link_into(Linking(), "out"),
    "map_async": lambda: ops.map_async(same),
    "map_async, concurrent": lambda: ops.map_async(same, max_concurrent=3),
    "nack_on_error": lambda: reactivex.compose(delivered(), ops.nack_on_error(PARK, ops.json(), ops.map_async(same))),
    "of_type": lambda: ops.of_type("PonyJumped"),
    "on_backpressure_buffer": lambda: ops.on_backpressure_buffer(100),
    "on_backpressure_drop": ops.on_backpressure_drop,
    "on_backpressure_latest": ops.on_backpressure_latest,
    "partition_by": lambda: ops.partition_by(lambda event: event.number % 2, same, 2),
    "publish_to": lambda: ops.publish_to(Publishing(), "out"),
    "rate_limit": lambda: ops.rate_limit(1000),
    "retry_with_backoff": lambda: ops.retry_with_backoff(count=0),
    "to_event": lambda: ops.to_event("Copied", data=lambda event: event.json()),
    "where": lambda: ops.where(type_prefix="Pony"),
    "without_system_events": ops.without_system_events,
}
OF_SUBSCRIPTIONS_ONLY = {"with_signals", "until_caught_up"}


every_operator = pytest.mark.parametrize("name", OPERATORS)


def jumps(count: int) -> list[Any]:
    return [
        an_event(number=number, type="PonyJumped", stream="ponies", data={"n": number}) for number in range(count)
    ]


def test_every_operator_is_tested() -> None:
    public = {name for name in ops.__all__ if name[0].islower()}
    assert {name.partition(",")[0] for name in OPERATORS} | OF_SUBSCRIPTIONS_ONLY == public


@every_operator
async def test_an_empty_source_completes(name: str) -> None:
    seen, feed = Seen(), Feed()
    seen.of(feed.pipe(OPERATORS[name]()))
    feed.on_completed()
    await seen.until_ended()
    assert (seen.items, seen.errors, seen.completed) == ([], [], 1)


@every_operator
async def test_a_source_that_never_emits_does_not_end(name: str) -> None:
    seen = Seen()
    subscription = seen.of(Feed().pipe(OPERATORS[name]()))
    await settle()
    assert not seen.is_ended
    subscription.dispose()
    await settle()
    assert (seen.items, seen.errors, seen.completed) == ([], [], 0)


@every_operator
async def test_all_items_and_one_completion_are_emitted(name: str) -> None:
    seen, feed = Seen(), Feed()
    seen.of(feed.pipe(OPERATORS[name]()))
    for event in jumps(4):
        feed.on_next(event)
        await settle()
    feed.on_completed()
    await seen.until_ended()
    assert len(seen.items) == (2 if name == "batch" else 4)
    assert (seen.errors, seen.completed) == ([], 1)


@every_operator
async def test_an_error_of_the_source_is_passed_on(name: str) -> None:
    seen, feed = Seen(), Feed()
    seen.of(feed.pipe(OPERATORS[name]()))
    feed.on_next(jumps(1)[0])
    feed.on_error(LookupError("gone"))
    await seen.until_ended()
    assert [str(error) for error in seen.errors] == ["gone"]
    assert seen.completed == 0


@every_operator
async def test_nothing_is_emitted_after_dispose(name: str) -> None:
    seen, feed = Seen(), Feed()
    subscription = seen.of(feed.pipe(OPERATORS[name]()))
    for event in jumps(3):
        feed.on_next(event)
    subscription.dispose()
    before = len(seen.items)
    for event in jumps(3):
        feed.on_next(event)
    feed.on_completed()
    await settle()
    assert (len(seen.items), seen.errors, seen.completed) == (before, [], 0)
    assert not feed.observers, "the source is disposed too"


@every_operator
async def test_signals_after_the_end_are_ignored(name: str) -> None:
    seen = Seen()
    source: Subject[Any] = Subject()

    def rude(observer: Any, scheduler: Any = None) -> Any:
        return source.subscribe(observer)

    seen.of(reactivex.create(rude).pipe(OPERATORS[name]()))
    observers = list(source.observers)
    source.on_completed()
    await seen.until_ended()
    for observer in observers:
        observer.on_next(jumps(1)[0])
        observer.on_error(LookupError("late"))
        observer.on_completed()
    await settle()
    assert (seen.items, seen.errors, seen.completed) == ([], [], 1)


@every_operator
async def test_a_callback_can_subscribe_to_its_own_pipeline(name: str) -> None:
    feed, inner = Feed(), Seen()
    pipeline = feed.pipe(OPERATORS[name]())
    outer: list[Any] = []

    def on_next(item: Any) -> None:
        if not outer:
            inner.of(pipeline)
        outer.append(item)

    pipeline.subscribe(on_next, on_error=lambda error: outer.append(error))
    for event in jumps(6):
        feed.on_next(event)
        await settle()
    feed.on_completed()
    await inner.until_ended()
    assert outer
    assert inner.items
    assert (inner.errors, inner.completed) == ([], 1)


@every_operator
async def test_a_failed_subscriber_ends_only_its_own_subscription(name: str) -> None:
    feed, other = Feed(), Seen()
    shared = Piped(feed.pipe(OPERATORS[name](), rx.share()))
    errors: list[Exception] = []

    def refuse(item: Any) -> None:
        raise ValueError("refused")

    shared.subscribe(refuse, errors.append)
    other.of(shared)
    for event in jumps(4):
        feed.on_next(event)
        await settle()
    feed.on_completed()
    await other.until_ended()
    assert [str(error) for error in errors] == ["refused"]
    assert other.items
    assert (other.errors, other.completed) == ([], 1)


@pytest.mark.parametrize("name", sorted(OF_SUBSCRIPTIONS_ONLY))
def test_operators_of_subscriptions_must_come_first(name: str) -> None:
    with pytest.raises(InvalidArgument, match="catch-up subscription"):
        reactivex.empty().pipe(getattr(ops, name)())
