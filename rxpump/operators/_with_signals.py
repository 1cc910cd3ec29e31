"""`with_signals`: what a subscription says of itself, among its events."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.signals import Signal
from rxpump.operators.machinery.stage import Operator


def with_signals() -> Operator[Event, Event | Signal]:
    """Turn a catch-up subscription into one that also emits CaughtUp, FellBehind, Reconnected and Examined.

        ──a──b──────────c───────────────────────d──▶
                       with_signals()
        ──a──b──CaughtUp──c──FellBehind──Reconnected──d──▶

        client.stream("ponies").pipe(ops.with_signals()).subscribe(show)

    It must come first in the pipe: only the source itself has signals. They are rxpump.CaughtUp, FellBehind,
    Reconnected and Examined.

    Errors: InvalidArgument, when the pipe is made, for anything but a subscription that has signals.
    """

    def operator(source: Observable[Event]) -> Observable[Event | Signal]:
        subscription: Callable[[], Observable[Event | Signal]] | None = getattr(source, "with_signals", None)
        if subscription is None:
            allowed = "a catch-up subscription (client.stream, stream_all), with this operator first in its pipe"
            raise InvalidArgument("source", source, allowed)
        return subscription()

    return operator
