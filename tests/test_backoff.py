from __future__ import annotations

from typing import Any

import pytest

from rxpump.backoff import Backoff, Failures
from rxpump.errors import InvalidArgument


def never() -> float:
    return 0.0


def fully() -> float:
    return 1.0


def test_delays_double_up_to_the_maximum() -> None:
    backoff = Backoff(min_delay=0.5, max_delay=3.0)
    assert [backoff.delay(attempt, never) for attempt in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_jitter_shortens_a_delay_by_at_most_its_share() -> None:
    assert Backoff(min_delay=1.0, jitter=0.25).delay(1, fully) == 0.75
    assert Backoff(min_delay=1.0, jitter=0.0).delay(1, fully) == 1.0
    assert Backoff(min_delay=1.0, jitter=1.0).delay(1, fully) == 0.0


def test_jitter_is_random_by_default() -> None:
    backoff = Backoff(min_delay=1.0, jitter=0.5)
    delays = {backoff.delay(1) for _ in range(50)}
    assert len(delays) > 1
    assert all(delay is not None and 0.5 < delay <= 1.0 for delay in delays)


def test_no_delay_follows_the_last_attempt() -> None:
    backoff = Backoff(attempts=2)
    assert [backoff.delay(attempt) is None for attempt in (1, 2, 3)] == [False, False, True]
    assert Backoff(attempts=0).delay(1) is None


def test_attempts_are_unlimited_by_default() -> None:
    assert Backoff(min_delay=0.1, max_delay=10.0).delay(10**9, never) == 10.0


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("min_delay", 0),
        ("min_delay", -1.0),
        ("min_delay", "1"),
        ("max_delay", 0.05),
        ("max_delay", float("nan")),
        ("jitter", -0.1),
        ("jitter", 1.1),
        ("attempts", -1),
        ("attempts", 2.5),
    ],
)
def test_an_invalid_value_is_refused_by_name(argument: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=f"^{argument} is "):
        Backoff(**{argument: value})


def test_failures_lengthen_the_delay_until_a_success() -> None:
    failures = Failures(Backoff(min_delay=0.5, jitter=0.0))
    assert [failures.next_delay() for _ in range(3)] == [0.5, 1.0, 2.0]
    failures.reset()
    assert failures.count == 0
    assert failures.next_delay() == 0.5


def test_endless_delays_stay_the_longest_after_the_last_attempt() -> None:
    failures = Failures(Backoff(min_delay=0.5, max_delay=3.0, jitter=0.0, attempts=2))
    assert [failures.next_endless_delay() for _ in range(4)] == [0.5, 1.0, 3.0, 3.0]
    assert failures.next_delay() is None
