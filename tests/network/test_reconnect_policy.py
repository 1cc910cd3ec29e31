from __future__ import annotations

from rxpump.backoff import Backoff
from rxpump.network.reconnect_policy import ReconnectPolicy


def patience(attempts: int | None = None) -> ReconnectPolicy:
    return ReconnectPolicy(Backoff(min_delay=1.0, max_delay=8.0, jitter=0.0, attempts=attempts), holds_after=2.0)


def test_waits_grow_until_a_connection_holds() -> None:
    waits = patience()
    assert [waits.wait(is_hint=False) for _ in range(3)] == [1.0, 2.0, 4.0]
    waits.lasted(1.9)
    assert waits.wait(is_hint=False) == 8.0, "taken in and dropped at once"
    waits.lasted(2.0)
    assert waits.wait(is_hint=False) == 1.0
    assert waits.attempts == 1


def test_only_the_first_hint_is_followed_at_once() -> None:
    waits = patience()
    assert [waits.wait(is_hint=True) for _ in range(3)] == [0.0, 1.0, 2.0]
    waits.lasted(5.0)
    assert waits.wait(is_hint=True) == 0.0


def test_a_hint_is_followed_by_those_too_who_do_not_try_again() -> None:
    waits = patience(attempts=0)
    assert waits.wait(is_hint=True) == 0.0
    assert waits.wait(is_hint=True) is None


def test_it_gives_up_with_its_policy() -> None:
    waits = patience(attempts=2)
    assert [waits.wait(is_hint=False) for _ in range(3)] == [1.0, 2.0, None]
    assert repr(waits) == "<ReconnectPolicy after 3 attempts>"


def test_a_settled_request_resets_the_waits_but_not_the_hints() -> None:
    waits = patience()
    assert waits.wait(is_hint=True) == 0.0
    assert [waits.wait(is_hint=False) for _ in range(3)] == [1.0, 2.0, 4.0]
    waits.settled()
    assert waits.wait(is_hint=True) == 1.0
