"""The earliest deadline is first for every order in which deadlines are started and stopped."""

from __future__ import annotations

import weakref
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from rxpump.transport.deadline import Deadline
from rxpump.transport.deadlines import Deadlines

STEPS = st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.sampled_from([1.0, 2.0, 3.0, inf]))))


@given(STEPS)
def test_next_is_the_earliest_running_deadline(steps: list[tuple[int, float | None]]) -> None:
    deadlines: Deadlines[str] = Deadlines()
    running: dict[int, float] = {}
    for key, deadline in steps:
        if deadline is None:
            deadlines.stop(key)
            running.pop(key, None)
        else:
            deadlines.start(key, str(key), deadline)
            if deadline < inf:
                running.setdefault(key, deadline)
        assert deadlines.next == min(running.values(), default=inf)
        assert len(deadlines) == len(running)
    popped = []
    while (item := deadlines.pop(3.0)) is not None:
        popped.append(int(item))
    assert popped == sorted(running, key=lambda key: (running[key], key))


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
    deadlines.start(0, Item(), 1.0)
    for key in range(1, 1000):
        item = Item()
        alive = weakref.ref(item)
        deadlines.start(key, item, 10.0)
        deadlines.stop(key)
        del item
        assert alive() is None
        assert len(deadlines._heap) < 100


def test_a_deadline_is_the_timeout_after_now() -> None:
    assert Deadline(2.5, 100.0).time == 102.5
    assert Deadline(inf, 100.0).time == inf
