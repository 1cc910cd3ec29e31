"""The Observable of rxpump can be piped, awaited, subscribed to and sliced."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.internal import SequenceContainsNoElementsError
from reactivex.observable.connectableobservable import ConnectableObservable
from reactivex.observer import Observer

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.streams.observable import Observable
from tests.fakes import Pages, numbers


@pytest.fixture
def source() -> Observable[Any]:
    return Pages(numbers(2, 3)).source(BackgroundTasks("test"))


def test_pipe_returns_an_rxpump_observable(source: Observable[Any]) -> None:
    assert isinstance(source.pipe(rx.map(str)), Observable)
    assert isinstance(source.pipe(rx.map(str)).pipe(rx.filter(bool), rx.share()), Observable)
    assert isinstance(source.map(str).filter(bool), Observable)
    assert isinstance(source.pipe(), Observable)


def test_pipe_returns_a_connectable_as_it_is(source: Observable[Any]) -> None:
    assert isinstance(source.pipe(rx.publish()), ConnectableObservable)


async def test_await_returns_the_last_value(source: Observable[Any]) -> None:
    assert await source == 5
    assert await source.pipe(rx.map(str)) == "5"


async def test_await_raises_if_there_is_no_value(source: Observable[Any]) -> None:
    with pytest.raises(SequenceContainsNoElementsError):
        await source.pipe(rx.filter(lambda _: False))


async def test_observers_and_callbacks_can_subscribe(source: Observable[Any]) -> None:
    seen: list[Any] = []
    done = asyncio.Event()
    source.pipe(rx.map(str)).subscribe(Observer(seen.append, seen.append, done.set))
    await done.wait()
    assert seen == ["0", "1", "2", "3", "4", "5"]


async def test_reactivex_combines_rxpump_observables(source: Observable[Any]) -> None:
    merged = reactivex.merge(source, source.pipe(rx.map(lambda n: -n)))
    total = await merged.pipe(rx.sum())
    assert total == 0


FORGOTTEN_ASYNC: dict[str, Callable[[Any], Any]] = {
    "for": lambda source: [value for value in source],  # noqa: C416
    "list": list,
    "tuple": tuple,
    "set": set,
    "sorted": sorted,
    "unpack": lambda source: (lambda first, *rest: first)(*source),
    "iter": iter,
    "zip": lambda source: list(zip(source, [1], strict=False)),
    "sum": sum,
}


@pytest.mark.parametrize("way", FORGOTTEN_ASYNC)
async def test_iterating_without_async_is_a_type_error(way: str) -> None:
    source = Pages(numbers(1, 3)).source(BackgroundTasks("test"))
    for observable in (source, source.pipe(rx.map(str)), source[1:]):
        with pytest.raises(TypeError, match="`async for`"):
            FORGOTTEN_ASYNC[way](observable)


async def test_sequence_equal_needs_an_observable_of_reactivex() -> None:
    """`sequence_equal` regards every object with `__iter__` as an iterable, also one whose `__iter__` raises."""
    first, second = (Pages(numbers(1, 3)).source(BackgroundTasks("test")) for _ in range(2))
    with pytest.raises(TypeError, match=re.escape("pass reactivex.defer(lambda _: observable)")):
        await first.pipe(rx.sequence_equal(second))
    assert await first.pipe(rx.sequence_equal(reactivex.defer(lambda _: second))) is True
    assert await first.pipe(rx.sequence_equal(reactivex.defer(lambda _: second.pipe(rx.skip(1))))) is False


async def test_in_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        assert 1 in Pages(numbers(1, 3)).source(BackgroundTasks("test"))  # type: ignore[operator]


async def test_slices_and_indexes_work_as_in_reactivex() -> None:
    source = Pages(numbers(1, 10)).source(BackgroundTasks("test"))
    assert [value async for value in source[2:5]] == [2, 3, 4]
    assert [value async for value in source[-2:]] == [8, 9]
    assert [value async for value in source[::4]] == [0, 4, 8]
    assert await source[3] == 3
