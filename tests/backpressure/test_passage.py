"""What is through, by hand: a source, keepers, an end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rxpump.backpressure.passage import Passage, awaiting_passage
from rxpump.backpressure.upstream import Upstream
from rxpump.model.deliveries import Delivery
from tests.operators.deliveries import Desk
from tests.operators.events import event
from tests.operators.sources import settle


class Keeping:
    """A keeper that keeps what it is told to."""

    def __init__(self, *kept: int) -> None:
        self.kept = list(kept)
        self.are_known = True
        self.delivering = 0

    def since(self) -> Iterator[int]:
        return iter(self.kept)


class Way:
    """A claimed passage; `through` is what was let through."""

    def __init__(self, *, is_claimed: bool = True) -> None:
        self.through: list[int] = []
        self.overs = 0
        self.flow = Upstream("source")
        self.passage = Passage(self.flow, self._over)
        if is_claimed:
            assert self.passage.claim(lambda delivery: self.through.append(delivery.sequence))

    def _over(self) -> None:
        self.overs += 1

    def passing(self, number: int) -> Delivery:
        delivery = Delivery(event(number=number)._resolved, 0, Desk(), number)
        self.passage.passing(delivery)
        return delivery

    def pass_on(self, *numbers: int) -> None:
        for number in numbers:
            self.passing(number)
            self.passage.passed()

    def look(self) -> list[int]:
        self.passage.look()
        return self.through


@pytest.fixture
def way() -> Way:
    return Way()


def test_what_nobody_keeps_is_through(way: Way) -> None:
    way.pass_on(1, 2)
    assert way.look() == [1, 2]


def test_what_is_just_being_delivered_is_not(way: Way) -> None:
    way.pass_on(1)
    way.passing(2)
    assert way.look() == [1]


@pytest.mark.parametrize(
    ("kept", "through"), [([3], [1, 2]), ([5, 3], [1, 2]), ([1], []), ([], [1, 2, 3, 4]), ([9], [1, 2, 3, 4])]
)
def test_what_is_before_all_that_is_kept_is_through(way: Way, kept: list[int], through: list[int]) -> None:
    way.passage.keep(Keeping(*kept))
    way.passage.keep(Keeping())
    way.pass_on(1, 2, 3, 4)
    assert way.look() == through


def test_what_a_keeper_delivers_is_with_it_until_that_is_over(way: Way) -> None:
    keeper = Keeping()
    way.passage.keep(keeper)
    way.pass_on(1, 2)
    keeper.delivering = 2
    assert way.look() == [1]
    keeper.delivering = 0
    assert way.look() == [1, 2]


def test_a_keeper_that_does_not_know_may_keep_anything(way: Way) -> None:
    keeper = Keeping()
    keeper.are_known = False
    way.passage.keep(keeper)
    way.pass_on(1)
    assert way.look() == []


def test_what_is_kept_of_a_former_source_is_no_matter(way: Way) -> None:
    way.passage.keep(Keeping(1))
    way.pass_on(5, 6)
    assert way.look() == [5, 6]


async def test_a_keeper_that_is_gone_with_something_lets_nothing_more_through(way: Way) -> None:
    keeper = Keeping(2)
    way.passage.keep(keeper)
    way.pass_on(1, 2, 3)
    way.passage.gone(keeper)
    assert way.look() == [1]
    assert way.overs == 0, "the source goes on"
    way.flow.end()
    assert way.look() == [1]
    assert way.overs == 1, "nothing more can come through"


async def test_it_looks_when_what_goes_on_is_over(way: Way) -> None:
    way.pass_on(1)
    way.passage.moved()
    way.passage.moved()
    assert way.through == []
    await settle()
    assert way.through == [1]


def test_a_good_end_lets_through_what_nobody_keeps(way: Way) -> None:
    way.passage.keep(Keeping(3))
    way.pass_on(1, 2, 3)
    way.passage.complete()
    assert way.through == [1, 2]
    assert (way.passage.is_over, way.overs) == (True, 1)
    way.passage.complete()
    assert way.overs == 1


def test_a_bad_end_lets_nothing_through_that_it_met(way: Way) -> None:
    way.pass_on(1, 2, 3)
    way.passage.fail(2)
    assert way.through == [1]


@pytest.mark.parametrize(("reached", "through"), [(2, [1, 2]), (1, [1])])
async def test_a_source_that_ends_in_a_delivery_counts_it_if_it_got_anywhere(
    way: Way, reached: int, through: list[int]
) -> None:
    way.pass_on(1)

    def end_it(_: Any) -> None:
        way.passage.reached = reached
        way.passage.source_left()

    way.flow.deliver(end_it, way.passing(2), None)
    assert way.look() == through


def test_there_is_one_end(way: Way) -> None:
    assert not way.passage.claim(lambda _: None)


def test_unclaimed_it_keeps_no_account_of_what_is_settled() -> None:
    way = Way(is_claimed=False)
    for number in range(1, 100):
        way.passing(number).ack()
        way.passage.passed()
    assert repr(way.passage) == "<Passage, 0 deliveries under way, 0 keepers>"


def test_whoever_awaits_one_is_given_it_while_subscribing() -> None:
    found: list[Passage] = []
    with awaiting_passage(found.append):
        way = Way()
    Way()
    assert found == [way.passage]
