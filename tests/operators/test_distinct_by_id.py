from __future__ import annotations

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from tests.operators.events import broken_link, event, linked
from tests.operators.marbles import marbles_testing

NAMES = {"a": event(), "b": event(), "c": event(), "l": broken_link()}


@pytest.mark.parametrize(
    ("window", "events", "expected"),
    [
        (100, "-a-b-a-c-b-a-|", "-a-b---c-----|"),
        (2, "-a-b-c-a-b-c-|", "-a-b-c-a-b-c-|"),
        (2, "-a-b-b-a-a-b-|", "-a-b---------|"),
        (1, "-a-a-b-b-a-#", "-a---b---a-#"),
        (100, "-l-l-a-", "-l---a-"),
    ],
)
def test_an_id_is_emitted_once_within_the_window(window: int, events: str, expected: str) -> None:
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold(events, NAMES).pipe(ops.distinct_by_id(window))) == exp(expected, NAMES)


def test_an_event_and_a_link_to_it_are_the_same_event() -> None:
    names = {"a": NAMES["a"], "k": linked(NAMES["a"])}
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold("-a-k-|", names).pipe(ops.distinct_by_id())) == exp("-a---|", names)


def test_each_subscription_has_its_own_window() -> None:
    pipeline = reactivex.of(NAMES["a"], NAMES["a"]).pipe(ops.distinct_by_id(), rx.to_list())
    assert pipeline.run() == pipeline.run() == [NAMES["a"]]


def test_a_window_of_0_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="window is 0"):
        ops.distinct_by_id(0)
