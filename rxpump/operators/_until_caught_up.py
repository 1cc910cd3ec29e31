"""`until_caught_up`: emit the events that exist, then complete."""

from __future__ import annotations

from typing import Any

from reactivex import Observable
from reactivex import operators as rx

from rxpump.model.events import Event
from rxpump.model.signals import CaughtUp, Signal
from rxpump.operators._with_signals import with_signals
from rxpump.operators.machinery.stage import Operator


def until_caught_up() -> Operator[Event, Event]:
    """Emit the events of a catch-up subscription until it has caught up for the first time, then complete.

        ──a──b──CaughtUp──c──d──▶        the subscription with its signals
              until_caught_up()
        ──a──b──|

        state = await client.stream("ponies").pipe(ops.until_caught_up(), rx.reduce(apply, {}))

    Unlike `client.iter`, it continues after a lost connection. It must be the first operator in the pipe.

    Returns:
        An operator for a catch-up subscription. Applying it to another source raises InvalidArgument.
    """

    def operator(source: Observable[Event]) -> Observable[Event]:
        items: Observable[Any] = with_signals()(source)
        return items.pipe(
            rx.take_while(lambda item: not isinstance(item, CaughtUp)),
            rx.filter(lambda item: not isinstance(item, Signal)),
        )

    return operator
