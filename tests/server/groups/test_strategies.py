from __future__ import annotations

from typing import Any

import pytest

from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.strategies import STRATEGIES, DispatchToSingle, Pinned, RoundRobin
from tests.server.groups.machine import consumer, event_id, message


def joined(strategy: Any, *slots: int) -> list[Consumer]:
    consumers = [consumer(chr(97 + index), count) for index, count in enumerate(slots)]
    for one in consumers:
        strategy.join(one)
    return consumers


def choose_all(strategy: Any, *buckets: int) -> str:
    """Choose a consumer for a message of each bucket, and return the names of the consumers; `-` stands for none."""
    chosen_names = ""
    for number, bucket in enumerate(buckets):
        chosen = strategy.choose(message(number, bucket=bucket))
        if chosen is not None:
            chosen.in_flight.add(event_id(number))
        chosen_names += "-" if chosen is None else chosen.id[:1].decode()
    return chosen_names


@pytest.mark.parametrize(
    ("strategy", "slots", "chosen_names"),
    [
        (RoundRobin, (3, 3), "ababab--"),
        (RoundRobin, (1, 4, 2), "abcbcbb-"),
        (RoundRobin, (0, 2), "bb------"),
        (RoundRobin, (), "--------"),
        (DispatchToSingle, (3, 3), "aaabbb--"),
        (DispatchToSingle, (0, 9), "bbbbbbbb"),
        (DispatchToSingle, (), "--------"),
        (Pinned, (3, 3), "aaa-----"),
        (Pinned, (), "--------"),
    ],
)
def test_each_strategy_distributes_events_by_its_rule(
    strategy: type[Any], slots: tuple[Any, ...], chosen_names: str
) -> None:
    one = strategy()
    joined(one, *slots)
    assert choose_all(one, *[5] * 8) == chosen_names


def test_dispatch_to_single_changes_only_when_full() -> None:
    strategy = DispatchToSingle()
    first, _ = joined(strategy, 1, 3)
    assert choose_all(strategy, 0, 0) == "ab"
    first.in_flight.clear()
    assert choose_all(strategy, 0, 0) == "bb"


@pytest.mark.parametrize("strategy", [RoundRobin, DispatchToSingle, Pinned])
def test_a_consumer_that_left_is_not_chosen(strategy: type[Any]) -> None:
    one = strategy()
    first, _ = joined(one, 9, 9)
    choose_all(one, 1, 2, 3)
    one.leave(first)
    assert choose_all(one, 1, 2, 3, 4) == "bbbb"


def test_pinned_buckets_keep_their_owner() -> None:
    strategy = Pinned()
    joined(strategy, 9, 9)
    assert choose_all(strategy, 1, 2, 3, 4, 1, 2, 3, 4, 4) == "abababab" + "b"


def test_pinned_events_wait_for_a_full_owner() -> None:
    strategy = Pinned()
    joined(strategy, 1, 9)
    assert choose_all(strategy, 1, 2, 1, 2, 1) == "ab-b-"


def test_pinned_consumers_that_join_later_get_a_share() -> None:
    strategy = Pinned()
    joined(strategy, 99)
    assert choose_all(strategy, *range(6)) == "aaaaaa"
    strategy.join(consumer("z", 99))
    chosen_names = choose_all(strategy, *range(6))
    assert (chosen_names.count("a"), chosen_names.count("z")) == (3, 3)
    assert choose_all(strategy, *range(6)) == chosen_names


@pytest.mark.parametrize("name", ["RoundRobin", "DispatchToSingle", "Pinned", "PinnedByCorrelation"])
def test_each_strategy_is_found_by_name(name: str) -> None:
    assert joined(STRATEGIES[name].make(), 1)
