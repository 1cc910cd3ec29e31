"""Pauses between rounds in which nodes are asked for gossip."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.discovery import KEEP_RETRYING, DiscoveryRetryPolicy
from rxpump.errors import InvalidArgument


def half() -> float:
    return 0.5


def test_the_defaults_are_those_of_photonpump() -> None:
    policy = DiscoveryRetryPolicy()
    assert (policy.retries_per_node, policy.retry_interval, policy.jitter) == (3, 0.5, 0.5)
    assert (policy.multiplier, policy.max_interval) == (1.5, 60.0)
    assert KEEP_RETRYING == -1


def test_pauses_grow_up_to_the_longest() -> None:
    policy = DiscoveryRetryPolicy(KEEP_RETRYING, 1.0, 0.0, max_retry_interval=4.0)
    assert [policy.delay(round) for round in (1, 2, 3, 100)] == [1.5, 3.0, 4.0, 4.0]
    assert policy.max_retry_interval == 4.0


def test_jitter_adds_or_subtracts_time() -> None:
    policy = DiscoveryRetryPolicy(KEEP_RETRYING, 1.0, 0.5, multiplier=1.0)
    assert [policy.delay(1, chance) for chance in (lambda: 0.0, half, lambda: 1.0)] == [0.5, 1.0, 1.5]
    assert DiscoveryRetryPolicy(KEEP_RETRYING, 0.1, 5.0).delay(1, lambda: 0.0) == 0.0


def test_no_delay_follows_the_last_round() -> None:
    policy = DiscoveryRetryPolicy(retries_per_node=3)
    assert [policy.delay(round, half) is None for round in (1, 2, 3)] == [False, False, True]
    assert DiscoveryRetryPolicy(retries_per_node=0).delay(1) is None


def test_a_single_node_has_a_policy_for_connections() -> None:
    backoff = DiscoveryRetryPolicy(5, 1.0, 0.3, multiplier=1.0, max_interval=8.0).as_backoff()
    assert (backoff.min_delay, backoff.max_delay, backoff.jitter, backoff.attempts) == (1.0, 8.0, 0.3, 5)
    assert DiscoveryRetryPolicy(KEEP_RETRYING).as_backoff().attempts is None
    assert DiscoveryRetryPolicy(retry_interval=100).as_backoff().min_delay == 60


@pytest.mark.parametrize(
    ("values", "argument"),
    [
        ({"retries_per_node": -2}, "retries_per_node"),
        ({"retries_per_node": True}, "retries_per_node"),
        ({"retry_interval": 0}, "retry_interval"),
        ({"jitter": -1}, "jitter"),
        ({"multiplier": 0}, "multiplier"),
        ({"multiplier": "2"}, "multiplier"),
        ({"max_interval": 0}, "max_retry_interval"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        DiscoveryRetryPolicy(**values)
    assert caught.value.argument == argument


def test_the_repr_shows_all_values() -> None:
    text = "DiscoveryRetryPolicy(retries_per_node=3, retry_interval=0.5, jitter=0.5, multiplier=1.5, max_interval=60)"
    assert repr(DiscoveryRetryPolicy()) == text
