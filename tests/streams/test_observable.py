"""pipe gives rxpump Observables, and leaves special ones alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.internal import SequenceContainsNoElementsError
from reactivex.observable.connectableobservable import ConnectableObservable
from reactivex.observer import Observer

from rxpump.runtime import Runtime
from rxpump.streams.observable import Observable
from tests.fakes import Pages, numbers


@pytest.fixture
def source() -> Observable[Any]:
    return Pages(numbers(2, 3)).source(Runtime("test"))


def test_what_comes_out_of_a_pipe_is_ours(source: Observable[Any]) -> None:
    assert isinstance(source.pipe(rx.map(str)), Observable)
    assert isinstance(source.pipe(rx.map(str)).pipe(rx.filter(bool), rx.share()), Observable)
    assert isinstance(source.map(str).filter(bool), Observable)
    assert isinstance(source.pipe(), Observable)


def test_a_connectable_stays_connectable(source: Observable[Any]) -> None:
    assert isinstance(source.pipe(rx.publish()), ConnectableObservable)


async def test_await_gives_the_last_value(source: Observable[Any]) -> None:
    assert await source == 5
    assert await source.pipe(rx.map(str)) == "5"


async def test_await_of_nothing_raises_as_in_reactivex(source: Observable[Any]) -> None:
    with pytest.raises(SequenceContainsNoElementsError):
        await source.pipe(rx.filter(lambda _: False))


async def test_an_observer_is_subscribed_as_well_as_callbacks(source: Observable[Any]) -> None:
    seen: list[Any] = []
    done = asyncio.Event()
    source.pipe(rx.map(str)).subscribe(Observer(seen.append, seen.append, done.set))
    await done.wait()
    assert seen == ["0", "1", "2", "3", "4", "5"]


async def test_it_composes_with_plain_reactivex(source: Observable[Any]) -> None:
    merged = reactivex.merge(source, source.pipe(rx.map(lambda n: -n)))
    total = await merged.pipe(rx.sum())
    assert total == 0
