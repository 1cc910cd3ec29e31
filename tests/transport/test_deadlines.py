"""Items are popped in the order of their deadlines, whatever the order in which they are started and stopped."""

from __future__ import annotations

import weakref
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from rxpump.transport.deadline import Deadline
from rxpump.transport.deadlines import Deadlines

KEYS = st.integers(0, 5)
TIMES = st.sampled_from([1.0, 2.0, 3.0])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), KEYS, TIMES | st.just(inf)),
        st.tuples(st.just("stop"), KEYS, st.just(0.0)),
        st.tuples(st.just("pop"), st.just(0), TIMES),
    )
)


@given(STEPS)
def test_items_are_popped_in_order_of_their_deadlines(steps: list[tuple[str, int, float]]) -> None:
    deadlines: Deadlines[int] = Deadlines()
    running: dict[int, float] = {}
    for step, key, time in [*steps, ("pop", 0, 3.0)]:
        if step == "start":
            deadlines.start(key, key, time)
            if time < inf:
                running.setdefault(key, time)
        elif step == "stop":
            deadlines.stop(key)
            running.pop(key, None)
        else:
            late = sorted((deadline, number) for number, deadline in running.items() if deadline <= time)
            assert [deadlines.pop(time) for _ in late] == [number for _, number in late]
            assert deadlines.pop(time) is None
            running = {number: deadline for number, deadline in running.items() if deadline > time}
            assert deadlines.next > time
        assert deadlines.next <= min(running.values(), default=inf)
        assert (deadlines.next == inf) == (not running)
        assert len(deadlines) == len(running)


def test_next_moves_to_the_next_deadline_when_it_has_passed() -> None:
    """So a timer that is set to it fires once for many items that are removed in time."""
    deadlines: Deadlines[int] = Deadlines()
    for key in range(100):
        deadlines.start(key, key, 1.0 + key)
    for key in range(99):
        deadlines.stop(key)
    assert (deadlines.next, deadlines.pop(1.0), deadlines.next) == (1.0, None, 100.0)


def test_no_deadline_is_popped_before_its_time() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.start(1, "one", 5.0)
    assert deadlines.pop(4.9) is None
    assert repr(deadlines) == "<Deadlines of 1>"
    assert deadlines.pop(5.0) == "one"


def test_stopped_entries_are_released() -> None:
    class Item:
        pass

    deadlines: Deadlines[Item] = Deadlines()
    deadlines.start(0, Item(), 10.0)
    for key in range(1, 1000):
        item = Item()
        alive = weakref.ref(item)
        deadlines.start(key, item, 10.0)
        deadlines.start(-key, Item(), 1.0)
        assert deadlines.pop(1.0) is not None  # Now the item is sorted.
        deadlines.stop(key)
        del item
        assert alive() is None
        assert len(deadlines._heap) < 100


def test_a_deadline_is_the_timeout_after_now() -> None:
    assert Deadline(2.5, 100.0).time == 102.5
    assert Deadline(inf, 100.0).time == inf
