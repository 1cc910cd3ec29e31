from __future__ import annotations

from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.errors import ConnectionClosed, InvalidArgument
from rxpump.model.signals import CaughtUp, FellBehind, Reconnected
from rxpump.streams.observable import Piped
from tests.operators.events import event

LOST = FellBehind(ConnectionClosed("server", "cut"))


class Subscription(reactivex.Observable[Any]):
    """A subscription with signals. Without them, it emits only the events."""

    def __init__(self, *items: Any) -> None:
        self.items = items
        super().__init__(lambda observer, scheduler: self._events().subscribe(observer, scheduler=scheduler))

    def _events(self) -> reactivex.Observable[Any]:
        return reactivex.from_iterable(item for item in self.items if not isinstance(item, (CaughtUp, FellBehind)))

    def with_signals(self) -> reactivex.Observable[Any]:
        return reactivex.from_iterable(self.items)


A, B = event(), event()


def test_signals_are_emitted_between_the_events() -> None:
    items = [A, CaughtUp(), LOST, Reconnected(), B, CaughtUp()]
    assert ops.with_signals()(Subscription(*items)).pipe(rx.to_list()).run() == items


@pytest.mark.parametrize(
    "source",
    [reactivex.of(1), Piped(Subscription(A)), Subscription(A).pipe(rx.map(str))],
    ids=["plain", "piped", "map"],
)
@pytest.mark.parametrize("operator", [ops.with_signals(), ops.until_caught_up()], ids=["with_signals", "until"])
def test_a_source_without_signals_is_refused(source: Any, operator: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"a catch-up subscription .* first in its pipe"):
        source.pipe(operator)
