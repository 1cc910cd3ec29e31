"""The order of sending: small requests come before large ones, none waits forever, and ordering keys are obeyed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rxpump.tcp.protocol.request import Request
from rxpump.tcp.protocol.send_queue import LARGE_BYTES, SendQueue
from tests.tcp.protocol.driving import Ask


def made(*requests: tuple[str, str | None, bool]) -> SendQueue[Request]:
    """Create a queue of requests. Each has a name and an ordering key, and may be large."""
    queue: SendQueue[Request] = SendQueue()
    for sequence, (name, ordering_key, is_large) in enumerate(requests):
        operation = Ask(name, ordering_key)
        operation.reply_is_large = is_large
        queue.push(Request(operation, None, sequence, None))
    return queue


def popped(queue: SendQueue[Request], *, with_slow: bool = True) -> list[str]:
    names = []
    while (request := queue.pop(with_slow=with_slow)) is not None:
        names.append(str(request.operation))
    return names


def test_small_requests_pass_large_ones() -> None:
    queue = made(("A", None, True), ("b", None, False), ("C", None, True), ("d", None, False))
    assert popped(queue) == ["b", "d", "A", "C"]


def test_a_request_is_large_above_the_limit() -> None:
    largest, larger = "x" * LARGE_BYTES, "x" * (LARGE_BYTES + 1)
    assert popped(made((larger, None, False), (largest, None, False))) == [largest, larger]


def test_a_request_that_lost_two_connections_is_slow() -> None:
    queue = made(("a", None, False), ("b", None, False))
    first = next(iter(queue))
    first.losses = 2
    assert popped(queue) == ["b", "a"]


def test_a_large_request_is_sent_after_at_most_32_small_ones() -> None:
    small = [(str(number), None, False) for number in range(100)]
    order = popped(made(("A", None, True), ("B", None, True), *small))
    assert (order.index("A"), order.index("B")) == (32, 65)


def test_pop_without_slow_leaves_slow_requests_in_the_queue() -> None:
    queue = made(("A", None, True), ("b", None, False))
    assert not queue.slow
    assert popped(queue, with_slow=False) == ["b"]
    assert queue.slow
    assert popped(queue) == ["A"]


def test_a_lane_keeps_its_order_around_a_large_request() -> None:
    queue = made(("A", "lane", True), ("b", "lane", False), ("c", "other", False), ("d", "lane", False))
    assert popped(queue) == ["c", "A", "b", "d"]


def test_a_lane_keeps_its_order_when_a_request_is_requeued() -> None:
    queue = made(("b", "lane", False), ("C", "lane", True))
    back = Request(Ask("A", "lane"), None, -1, None)
    back.operation.reply_is_large = True
    queue.push(back)
    assert popped(queue) == ["A", "b", "C"]


def test_settled_requests_are_passed_over_and_can_be_dropped() -> None:
    queue = made(("A", None, True), ("b", None, False), ("c", None, False))
    assert popped(queue, with_slow=False) == ["b", "c"]
    for request in queue:
        request.is_settled = True
    assert popped(queue) == []
    queue = made(("A", "lane", True), ("b", "lane", False), ("C", None, True))
    queue.pop(with_slow=False)
    next(iter(queue)).is_settled = True
    queue.drop_settled()
    assert repr(queue) == "<SendQueue 2 waiting, 0 slow>"
    assert popped(queue) == ["b", "C"]


ENTRIES = st.tuples(st.sampled_from(["x", "y", None]), st.booleans(), st.integers(0, 2))


@given(st.lists(ENTRIES, max_size=60), st.lists(st.booleans(), max_size=60))
def test_nothing_is_lost_and_each_lane_is_in_order(
    entries: list[tuple[str | None, bool, int]], gates: list[bool]
) -> None:
    queue = made(
        *((str(number), ordering_key, is_large) for number, (ordering_key, is_large, _) in enumerate(entries))
    )
    for request, (_, _, losses) in zip(queue, entries, strict=True):
        request.losses = losses
    sent = [popped for gate in gates if (popped := queue.pop(with_slow=gate)) is not None]
    while (rest := queue.pop(with_slow=True)) is not None:
        sent.append(rest)
    assert sorted(request.sequence for request in sent) == list(range(len(entries)))
    for ordering_key in ("x", "y"):
        numbers = [request.sequence for request in sent if request.operation.ordering_key == ordering_key]
        assert numbers == sorted(numbers)
