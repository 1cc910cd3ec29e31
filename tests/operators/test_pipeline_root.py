"""The table of operators of reactivex that may keep items of a subscription for later."""

from __future__ import annotations

from typing import Any

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.subject import Subject

from rxpump import operators as ops
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.pipeline_root import may_keep_items
from rxpump.streams.source import IterableSource

KEEP: dict[str, Any] = {
    "buffer_with_count": rx.buffer_with_count(3),
    "buffer_with_time": rx.buffer_with_time(1),
    "debounce": rx.debounce(1),
    "delay": rx.delay(1),
    "group_by": rx.group_by(str),
    "last": rx.last(),
    "pairwise": rx.pairwise(),
    "reduce": rx.reduce(max),
    "replay": rx.replay(mapper=lambda shared: shared),
    "sample": rx.sample(1),
    "skip_last": rx.skip_last(1),
    "take_last": rx.take_last(1),
    "to_list": rx.to_list(),
    "window": rx.window_with_count(3),
    "zip": rx.zip(Subject()),
}
PASS_ON: dict[str, Any] = {
    "filter": rx.filter(bool),
    "flat_map": rx.flat_map(reactivex.just),
    "map": rx.map(str),
    "merge": rx.merge(Subject()),
    "retry": rx.retry(2),
    "scan": rx.scan(max),
    "share": rx.share(),
    "switch_latest": rx.flat_map_latest(reactivex.just),
    "take_until": rx.take_until(Subject()),
    "ops.json": ops.json(),
    "ops.retry_with_backoff": ops.retry_with_backoff(),
    "ops.batch": ops.batch(3),
}


def source() -> Any:
    return IterableSource(BackgroundTasks("test"), [1])


@pytest.mark.parametrize("name", KEEP)
def test_the_operator_may_keep_items(name: str) -> None:
    assert may_keep_items(source().pipe(KEEP[name]))


@pytest.mark.parametrize("below", PASS_ON)
def test_later_operators_do_not_hide_one_that_keeps_items(below: str) -> None:
    assert may_keep_items(source().pipe(rx.buffer_with_count(3), PASS_ON[below]))


@pytest.mark.parametrize("name", PASS_ON)
def test_the_operator_passes_every_item_on(name: str) -> None:
    """If this fails with a new release of reactivex, acknowledgements are delayed until later deliveries."""
    assert not may_keep_items(source().pipe(PASS_ON[name]))
    assert not may_keep_items(source().pipe(rx.map(str), PASS_ON[name], rx.filter(bool)))


def test_a_subject_counts_as_a_source() -> None:
    assert not may_keep_items(Subject().pipe(rx.map(str)))
