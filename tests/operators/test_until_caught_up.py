from __future__ import annotations

from typing import Any

import pytest

from rxpump import operators as ops
from rxpump.model.signals import CaughtUp, Reconnected
from tests.operators.sources import Feed, Seen
from tests.operators.test_with_signals import LOST, A, B


class SignalSource(Feed):
    """A subscription to which the test also passes signals."""

    def with_signals(self) -> Feed:
        return self


@pytest.mark.parametrize(
    ("items", "expected", "is_over"),
    [
        ([], [], False),
        ([A, B], [A, B], False),
        ([CaughtUp()], [], True),
        ([A, B, CaughtUp()], [A, B], True),
        ([A, LOST, Reconnected(), B, CaughtUp()], [A, B], True),
    ],
)
async def test_it_completes_at_the_first_caught_up(items: list[Any], expected: list[Any], is_over: bool) -> None:
    source, seen = SignalSource(), Seen()
    subscription = seen.of(source.pipe(ops.until_caught_up()))
    for item in items:
        source.on_next(item)
    assert seen.items == expected
    assert seen.completed == is_over
    assert bool(source.observers) is not is_over
    subscription.dispose()


async def test_an_error_before_caught_up_is_passed_on() -> None:
    source, seen = SignalSource(), Seen()
    seen.of(source.pipe(ops.until_caught_up()))
    source.on_error(LookupError("gone"))
    assert [str(error) for error in seen.errors] == ["gone"]
