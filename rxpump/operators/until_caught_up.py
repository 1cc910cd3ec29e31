"""`until_caught_up`: what is there already, and no more."""

from __future__ import annotations

from typing import Any

from reactivex import Observable
from reactivex import operators as rx

from rxpump.events import Event
from rxpump.operators.stage import Operator
from rxpump.operators.with_signals import with_signals
from rxpump.signals import CaughtUp, Signal


def until_caught_up() -> Operator[Event, Event]:
    """Emit the events of a catch-up subscription until it has caught up for the first time, then complete.

        ──a──b──CaughtUp──c──d──▶        the subscription, with its signals
              until_caught_up()
        ──a──b──|

        state = await client.stream("ponies").pipe(ops.until_caught_up(), rx.reduce(apply, {}))

    Unlike `client.iter` it goes on through a lost connection. It must come first in the pipe.

    Errors: InvalidArgument, when the pipe is made, for anything but a catch-up subscription.
    """

    def operator(source: Observable[Event]) -> Observable[Event]:
        items: Observable[Any] = with_signals()(source)
        return items.pipe(
            rx.take_while(lambda item: not isinstance(item, CaughtUp)),
            rx.filter(lambda item: not isinstance(item, Signal)),
        )

    return operator
