"""How far work is done, whatever order it finishes in; without a loop, by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rxpump.backpressure.origins import Entry, Origins
from rxpump.backpressure.upstream import Upstream


class Keeping:
    """A keeper with its accounts, fed from a Upstream."""

    def __init__(self) -> None:
        self.origins = Origins()
        self.entries: list[Entry] = []
        self.continues: Any = ()

    def on_next(self, item: Any) -> None:
        self.entries.append(self.origins.begin())

    def release(self, *indexes: int) -> Any:
        """Finish these items with one result, and tell its origin."""
        origin, self.continues = self.origins.release([self.entries[index] for index in indexes])
        return origin

    def finish(self, index: int) -> None:
        self.origins.finish(self.entries[index])


@pytest.fixture
def keeping() -> Keeping:
    return Keeping()


def deliver(flow: Upstream, keeping: Keeping, *events: Any) -> None:
    for event in events:
        flow.deliver(keeping.on_next, f"of {event}", event)


def test_in_order_each_result_is_of_its_own_event(keeping: Keeping) -> None:
    flow = Upstream("source")
    deliver(flow, keeping, "a", "b", "c")
    assert [keeping.release(index) for index in range(3)] == ["a", "b", "c"]
    assert keeping.origins.done == "c"
    assert keeping.origins.count == 0


def test_out_of_order_it_is_the_last_event_of_what_is_finished(keeping: Keeping) -> None:
    deliver(Upstream("source"), keeping, "a", "b", "c", "d")
    assert keeping.release(2) is None, "the oldest is unfinished, nothing is done"
    assert keeping.release(0) == "a"
    assert keeping.release(3) == "a", "b is unfinished"
    assert keeping.release(1) == "d"
    assert not keeping.continues, "nothing that is not done went out before"


def test_an_event_of_many_items_is_done_with_the_last_of_them(keeping: Keeping) -> None:
    flow, b = Upstream("source"), object()
    deliver(flow, keeping, "a", b, b, b)
    keeping.release(0)
    assert keeping.release(1) is b, "all before b is done, so a result may go out in its name"
    assert keeping.origins.done == "a", "which says nothing of b itself"
    assert keeping.origins.has_more(b)
    keeping.release(3)
    assert keeping.origins.done == "a"
    keeping.release(2)
    assert keeping.origins.done is b
    assert not keeping.origins.has_more(b)


def test_the_name_in_which_results_go_out_never_goes_back(keeping: Keeping) -> None:
    deliver(Upstream("source"), keeping, "a", "b", "b", "c")
    assert keeping.release(0) == "a"
    assert keeping.release(1) == "b"
    assert keeping.release(3) == "b", "not a again, though b is not done"
    assert keeping.release(2) == "c"
    assert keeping.continues == ["b"], "it completes b too"


def test_a_result_of_two_events_goes_out_in_the_name_of_the_later_and_those_below_count_them_as_one() -> None:
    batching, below, further = Keeping(), Keeping(), Keeping()
    batches, splits = Upstream("batch", batching.origins.has_more), Upstream("split", below.origins.has_more)
    deliver(Upstream("source"), batching, "a", "a", "a", "b", "b")

    def batch(*indexes: int) -> None:
        """Deliver a batch, of which those below make one item each again."""
        origin = batching.release(*indexes)

        def deliver(_: str) -> None:
            for index in indexes:
                below.on_next(index)

        batches.deliver(deliver, "", origin, continues=batching.continues)

    def split(index: int) -> None:
        origin = below.release(index)
        splits.deliver(further.on_next, "", origin, continues=below.continues)
        further.finish(-1)
        further.origins.settle()

    batch(0, 1)
    split(0)
    assert further.origins.done is None
    batch(2, 3)
    split(1)
    assert further.origins.done is None, "the third of a is still below, in b's name"
    split(3)
    assert further.origins.done is None
    split(2)
    assert further.origins.done is None, "the second of b is still in the batch"
    batch(4)
    split(4)
    assert further.origins.done == "b"


def test_while_an_event_is_being_delivered_it_is_not_done(keeping: Keeping) -> None:
    flow = Upstream("source")
    done: list[Any] = []

    def at_once(item: str) -> None:
        for _ in range(2):  # as flat_map does
            keeping.on_next(item)
            keeping.finish(-1)
            keeping.origins.settle()
            done.append(keeping.origins.done)

    flow.deliver(at_once, "a", "a")
    flow.deliver(at_once, "b", "b")
    assert done == [None, None, "a", "a"]
    keeping.origins.settle()
    assert keeping.origins.done == "b"


def test_what_a_stage_above_still_keeps_of_an_event_counts(keeping: Keeping) -> None:
    above, source = Keeping(), Upstream("source")
    stage = Upstream("stage", above.origins.has_more)
    event = object()
    deliver(source, above, event, event)

    def pass_on(index: int) -> None:
        stage.deliver(keeping.on_next, "item", above.release(index))
        keeping.release(-1)
        keeping.origins.settle()

    pass_on(0)
    assert keeping.origins.done is None
    assert keeping.origins.has_more(event), "and so it counts for who is below this one"
    pass_on(1)
    assert keeping.origins.done is event
    assert not keeping.origins.has_more(event)


def test_the_rest_of_an_event_may_never_come_and_a_later_one_shows_it(keeping: Keeping) -> None:
    above, source = Keeping(), Upstream("source")
    stage = Upstream("stage", above.origins.has_more)
    deliver(source, above, "a", "a", "b")
    stage.deliver(keeping.on_next, "item", above.release(0))
    keeping.finish(0)
    assert keeping.origins.done is None
    above.finish(1)  # and filtered out on its way
    keeping.origins.settle()
    assert keeping.origins.done == "a"


def deliver_without_flow(keeping: Keeping) -> None:
    keeping.on_next("item")


def deliver_late(keeping: Keeping) -> None:
    """As a timer does that was set in a delivery: the Upstream is found, and delivers something else or nothing."""
    flow = Upstream("source")
    flow.enter()
    flow.origin = "a"
    flow.knows_origin = False
    keeping.on_next("item")
    Upstream.leave()


def deliver_merged(keeping: Keeping) -> None:
    deliver(Upstream("left"), keeping, "a")
    deliver(Upstream("right"), keeping, "b")


def deliver_of_the_unknown(keeping: Keeping) -> None:
    Upstream("stage").deliver(keeping.on_next, "item", None, knows_origin=False)


@pytest.mark.parametrize("way", [deliver_without_flow, deliver_late, deliver_merged, deliver_of_the_unknown])
def test_what_comes_of_no_one_source_is_not_known(way: Callable[[Keeping], None], keeping: Keeping) -> None:
    way(keeping)
    assert not keeping.origins.are_known
    deliver(Upstream("another"), keeping, "c")
    for index in range(len(keeping.entries)):
        keeping.finish(index)
    assert not keeping.origins.are_known, "for good"
    assert keeping.origins.count == 0


def test_a_source_may_follow_one_that_is_over_and_what_that_broke_off_is_not_done(keeping: Keeping) -> None:
    first, second = Upstream("first"), Upstream("second")
    deliver(first, keeping, "a", "b")
    first.end()
    keeping.finish(0)
    deliver(second, keeping, "b again", "c")
    keeping.finish(1)
    assert keeping.origins.are_known
    assert keeping.origins.done is None
    keeping.finish(2)
    assert keeping.origins.done == "b again"


def test_a_delivery_within_another_restores_it() -> None:
    outer, inner = Upstream("outer"), Upstream("inner")
    seen: list[Any] = []

    def note(item: str) -> None:
        flow = Upstream.current()
        seen.append((item, flow and flow.name, flow and flow.origin, flow and flow.knows_origin))

    def nested(item: str) -> None:
        inner.deliver(note, "inner", "i")
        note(item)

    outer.deliver(nested, "outer", "o")
    note("after")
    assert seen == [("inner", "inner", "i", True), ("outer", "outer", "o", True), ("after", None, None, None)]
    assert not outer.knows_origin
    assert not inner.knows_origin


def test_a_delivery_that_raises_is_over() -> None:
    flow = Upstream("source")

    def refuse(item: str) -> None:
        raise ValueError(item)

    with pytest.raises(ValueError, match="item"):
        flow.deliver(refuse, "item", "a")
    assert Upstream.current() is None
    assert not flow.knows_origin


async def test_while_a_source_waits_it_delivers_nothing_and_what_it_started_is_of_no_event() -> None:
    flow = Upstream("source")
    seen: list[Any] = []

    async def later() -> None:
        current = Upstream.current()
        seen.append((current, current and current.knows_origin))

    flow.enter()
    flow.origin = "a"
    task = asyncio.create_task(later())
    await flow.until_resumed()
    await task
    assert seen == [(flow, False)]
    assert flow.knows_origin, "it goes on delivering"
    assert flow.may_bring_more("a")
    Upstream.leave()
    assert not flow.may_bring_more("a")


def test_its_repr_tells_how_far_it_is(keeping: Keeping) -> None:
    deliver(Upstream("source"), keeping, "a", "b")
    keeping.finish(0)
    assert repr(keeping.origins) == "<Origins 1 items of 1 events unfinished, done up to 'a'>"
