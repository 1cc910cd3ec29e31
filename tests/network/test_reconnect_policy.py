from __future__ import annotations

from rxpump.backoff import Backoff
from rxpump.network.reconnect_policy import ReconnectPolicy


def policy(attempts: int | None = None) -> ReconnectPolicy:
    return ReconnectPolicy(Backoff(min_delay=1.0, max_delay=8.0, jitter=0.0, attempts=attempts), holds_after=2.0)


def test_delays_grow_until_a_connection_lasts() -> None:
    delays = policy()
    assert [delays.wait(is_hint=False) for _ in range(3)] == [1.0, 2.0, 4.0]
    delays.lasted(1.9)
    assert delays.wait(is_hint=False) == 8.0, "taken in and dropped at once"
    delays.lasted(2.0)
    assert delays.wait(is_hint=False) == 1.0
    assert delays.attempts == 1


def test_only_the_first_hint_has_no_delay() -> None:
    delays = policy()
    assert [delays.wait(is_hint=True) for _ in range(3)] == [0.0, 1.0, 2.0]
    delays.lasted(5.0)
    assert delays.wait(is_hint=True) == 0.0


def test_the_first_hint_is_followed_without_any_retries() -> None:
    delays = policy(attempts=0)
    assert delays.wait(is_hint=True) == 0.0
    assert delays.wait(is_hint=True) is None


def test_the_number_of_attempts_is_limited() -> None:
    delays = policy(attempts=2)
    assert [delays.wait(is_hint=False) for _ in range(3)] == [1.0, 2.0, None]
    assert repr(delays) == "<ReconnectPolicy after 3 attempts>"


def test_a_settled_request_resets_delays_but_not_hints() -> None:
    delays = policy()
    assert delays.wait(is_hint=True) == 0.0
    assert [delays.wait(is_hint=False) for _ in range(3)] == [1.0, 2.0, 4.0]
    delays.settled()
    assert delays.wait(is_hint=True) == 1.0
