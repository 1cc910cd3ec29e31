"""`commit_checkpoint` fails if it cannot find the event that an item was made from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import Subject

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from rxpump.streams.source import IterableSource
from tests.fakes import Pages
from tests.operators.events import events
from tests.operators.sources import Feed, Seen
from tests.operators.stores import Store


def _later(subject: Subject[Any], item: Any) -> None:
    asyncio.get_running_loop().call_soon(subject.on_next, item)


def through_a_subject(feed: Feed) -> reactivex.Observable[Any]:
    subject: Subject[Any] = Subject()
    feed.subscribe(lambda item: _later(subject, item))
    return subject


def delayed(feed: Feed) -> reactivex.Observable[Any]:
    return feed.pipe(rx.delay(0.001, scheduler=AsyncIOScheduler(asyncio.get_running_loop())))


def observed_on(feed: Feed) -> reactivex.Observable[Any]:
    return feed.pipe(rx.observe_on(AsyncIOScheduler(asyncio.get_running_loop())))


def mapped_to_futures(feed: Feed) -> reactivex.Observable[Any]:
    async def same(item: Any) -> Any:
        return item

    return feed.pipe(rx.flat_map(lambda item: reactivex.from_future(asyncio.ensure_future(same(item)))))


def merged(feed: Feed) -> reactivex.Observable[Any]:
    return reactivex.merge(feed, Pages([events(1)]).source(BackgroundTasks("test")))


def merged_before_a_stage(feed: Feed) -> reactivex.Observable[Any]:
    async def same(item: Any) -> Any:
        return item

    return merged(feed).pipe(ops.map_async(same))


@pytest.mark.parametrize(
    "source",
    [through_a_subject, delayed, observed_on, mapped_to_futures, merged, merged_before_a_stage],
    ids=lambda each: each.__name__,
)
async def test_an_item_without_a_known_event_is_an_error(source: Callable[[Feed], reactivex.Observable[Any]]) -> None:
    feed, store, seen = Feed(), Store(), Seen()
    seen.of(source(feed).pipe(ops.commit_checkpoint(store)))
    for each in events(2):
        feed.on_next(each)
    await seen.until_ended()
    (error,) = seen.errors
    assert isinstance(error, InvalidArgument)
    assert "that come from one source of events" in str(error)
    feed.on_completed()


async def test_an_item_that_is_not_read_has_no_checkpoint() -> None:
    seen = Seen()
    seen.of(IterableSource(BackgroundTasks("test"), [1, 2]).pipe(ops.commit_checkpoint(Store(), every=1)))
    await seen.until_ended()
    (error,) = seen.errors
    assert isinstance(error, InvalidArgument)
    assert "only events that were read" in str(error)
