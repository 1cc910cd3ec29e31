"""`until_caught_up`: what is there already, and no more."""

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
