"""`with_signals`: emit the signals of a subscription among its events."""

from __future__ import annotations

from collections.abc import Callable

from reactivex import Observable

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.signals import Signal
from rxpump.operators.machinery.stage import Operator


def with_signals() -> Operator[Event, Event | Signal]:
    """Emit the signals CaughtUp, FellBehind, Reconnected and Examined of a catch-up subscription among its events.

        ──a──b──────────c───────────────────────d──▶
                       with_signals()
        ──a──b──CaughtUp──c──FellBehind──Reconnected──d──▶

        client.stream("ponies").pipe(ops.with_signals()).subscribe(show)

    It must be the first operator in the pipe, because only the subscription itself has signals. Their classes are
    `rxpump.CaughtUp`, `rxpump.FellBehind`, `rxpump.Reconnected` and `rxpump.Examined`.

    Returns:
        An operator for a catch-up subscription. Applying it to another source raises InvalidArgument.
    """

    def operator(source: Observable[Event]) -> Observable[Event | Signal]:
        subscription: Callable[[], Observable[Event | Signal]] | None = getattr(source, "with_signals", None)
        if subscription is None:
            allowed = "a catch-up subscription (client.stream, stream_all), with this operator first in its pipe"
            raise InvalidArgument("source", source, allowed)
        return subscription()

    return operator
