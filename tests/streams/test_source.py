"""Observables that read pages: order, errors, ends, and yielding to other tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from reactivex import operators as rx

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.streams.source import IterableSource
from tests.fakes import Pages, numbers


@pytest.fixture
def runtime() -> BackgroundTasks:
    return BackgroundTasks("test")


async def test_items_arrive_in_order_and_it_completes(runtime: BackgroundTasks) -> None:
    assert await Pages(numbers(5, 100)).source(runtime).pipe(rx.to_list()) == list(range(500))
    assert not runtime.tasks


async def test_each_subscription_reads_from_the_start(runtime: BackgroundTasks) -> None:
    pages = Pages(numbers(2, 3))
    source = pages.source(runtime)
    assert pages.opened == 0
    assert await source.pipe(rx.count()) == await source.pipe(rx.count()) == 6
    assert (pages.opened, pages.closed) == (2, 2)


async def test_a_failure_is_raised_after_the_items_before_it(runtime: BackgroundTasks) -> None:
    source = Pages(numbers(1, 3), failure=LookupError("gone")).source(runtime)
    seen: list[Any] = []
    with pytest.raises(LookupError):
        await source.pipe(rx.do_action(seen.append))
    assert seen == [0, 1, 2]


async def test_dispose_in_a_callback_stops_at_once(runtime: BackgroundTasks) -> None:
    pages = Pages(numbers(100, 10))
    assert await pages.source(runtime).pipe(rx.take(3), rx.to_list()) == [0, 1, 2]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (pages.asked, pages.closed) == (1, 1)
    assert not runtime.tasks


async def test_a_callback_that_raises_ends_its_own_subscription(runtime: BackgroundTasks) -> None:
    errors: list[Exception] = []

    def refuse(item: int) -> None:
        raise ValueError(item)

    ended = asyncio.Event()

    def note(error: Exception) -> None:
        errors.append(error)
        ended.set()

    pages = Pages(numbers(2, 3))
    pages.source(runtime).subscribe(refuse, note)
    await ended.wait()
    await asyncio.sleep(0)
    assert [str(error) for error in errors] == ["0"]
    assert pages.closed == 1


async def test_a_failed_subscriber_leaves_others_of_a_shared_source(runtime: BackgroundTasks) -> None:
    shared = Pages(numbers(2, 3)).source(runtime).pipe(rx.share())
    errors: list[Exception] = []
    good: list[int] = []

    def refuse(item: int) -> None:
        raise ValueError(item)

    shared.subscribe(refuse, errors.append)
    done = asyncio.Event()
    shared.subscribe(good.append, on_completed=done.set)
    await done.wait()
    assert good == [0, 1, 2, 3, 4, 5]
    assert [str(error) for error in errors] == ["0"]


@pytest.mark.parametrize("shape", ["source", "piped"])
async def test_an_unhandled_error_reaches_the_exception_handler(runtime: BackgroundTasks, shape: str) -> None:
    errors: list[Any] = []
    was_called = asyncio.Event()

    def handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        errors.append(context["exception"])
        was_called.set()

    asyncio.get_running_loop().set_exception_handler(handler)
    source = Pages([], failure=LookupError("gone")).source(runtime)
    (source if shape == "source" else source.pipe(rx.map(str))).subscribe(print)
    await was_called.wait()
    assert [type(error) for error in errors] == [LookupError]


async def test_a_long_page_does_not_block_the_loop(runtime: BackgroundTasks) -> None:
    """A timer of another task runs while a page is being delivered."""
    delivered = 0
    delivered_at_other_callback: list[int] = []

    def count(_: int) -> None:
        nonlocal delivered
        delivered += 1

    size = 300_000
    asyncio.get_running_loop().call_later(0, lambda: delivered_at_other_callback.append(delivered))
    await Pages([range(size)]).source(runtime).pipe(rx.do_action(count))
    assert delivered == size
    assert delivered_at_other_callback[0] < size


async def test_iterables_and_async_iterables_become_sources(runtime: BackgroundTasks) -> None:
    async def ticks() -> AsyncIterator[Any]:
        for number in range(3):
            yield number

    assert await IterableSource(runtime, ticks()).pipe(rx.to_list()) == [0, 1, 2]
    assert await IterableSource(runtime, (n for n in range(3))).pipe(rx.to_list()) == [0, 1, 2]


def test_subscribing_without_a_loop_raises(runtime: BackgroundTasks) -> None:
    errors: list[Exception] = []
    Pages([]).source(runtime).subscribe(on_error=errors.append)
    assert "no running event loop" in str(errors[0])
