"""Refused requests wait for their next attempts, and those with one ordering key wait together."""

from __future__ import annotations

import math

from rxpump.tcp.protocol.request import Request
from rxpump.tcp.protocol.retry_queue import RetryQueue
from tests.tcp.protocol.driving import Ask


def made(name: str, sequence: int, ordering_key: str | None = None) -> Request:
    return Request(Ask(name, ordering_key), None, sequence, None)


def popped(queue: RetryQueue, now: float) -> list[str]:
    names = []
    while (request := queue.pop(now)) is not None:
        names.append(str(request.operation))
    return names


def test_requests_are_popped_in_the_order_of_their_times() -> None:
    queue = RetryQueue()
    for sequence, (name, pause) in enumerate((("late", 3.0), ("early", 1.0), ("next", 2.0))):
        queue.push(made(name, sequence), 0.0, pause)
    assert (queue.next, popped(queue, 0.5)) == (1.0, [])
    assert (popped(queue, 2.0), queue.next, len(queue)) == (["early", "next"], 3.0, 1)
    assert (popped(queue, 3.0), queue.next) == (["late"], math.inf)


def test_requests_with_one_ordering_key_share_a_time() -> None:
    queue = RetryQueue()
    queue.push(made("b", 2, "lane"), 0.0, 3.0)
    queue.push(made("a", 1, "lane"), 0.0, 1.0)
    assert queue.push_after_its_key(made("c", 3, "lane"))
    assert not queue.push_after_its_key(made("d", 4, "other"))
    assert not queue.push_after_its_key(made("e", 5))
    assert popped(queue, 2.9) == []
    assert popped(queue, 3.0) == ["a", "b", "c"]
    assert not queue.push_after_its_key(made("f", 6, "lane"))


def test_clear_removes_requests_and_the_times_of_their_keys() -> None:
    queue = RetryQueue()
    queue.push(made("a", 1, "lane"), 0.0, 1.0)
    assert repr(queue) == "<RetryQueue of 1>"
    queue.clear()
    assert (len(queue), queue.next, popped(queue, 9.0)) == (0, math.inf, [])
    assert not queue.push_after_its_key(made("b", 2, "lane"))
