"""`nack_on_error`: what becomes of a delivery whose work fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import reactivex
from reactivex import Observable, abc

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.deliveries import Delivery
from rxpump.model.group_settings import NackAction
from rxpump.operators._map_async import map_async
from rxpump.operators.machinery.stage import Operator

_log = logging.getLogger("rxpump.persistent")

Decide = Callable[[Exception], NackAction]


def nack_on_error(
    action: NackAction | Decide, *work: Callable[[Any], Any], max_concurrent: int = 1
) -> Operator[Delivery, Any]:
    """Put each delivery through the operators `work` by itself; where that fails, nack it and go on with the next.

        ──1─────2─────3─────4──▶
        nack_on_error(PARK, ops.json(), ops.map_async(book))
        ──r1────────────r3──r4─▶      2 failed: it is parked

        def decide(error: Exception) -> NackAction:
            return NackAction.RETRY if isinstance(error, OSError) else NackAction.PARK

        client.connect_subscription("billing", "orders").pipe(
            ops.nack_on_error(decide, ops.json(), ops.map_async(book), max_concurrent=8), ops.ack_each()
        ).subscribe()

    In Rx an error ends the stream that it is in, and all that stands in it. So what may fail for one delivery is
    given to this operator instead of standing beside it, and is subscribed to anew for each: an error ends that
    delivery's work alone. Any operators will do, and what they make is emitted in the order of the deliveries, once
    the work of one is over: all of it or, where it failed, none. Up to `max_concurrent` are worked on at once.

    action:  what is to become of a delivery whose work failed, or a function that decides it by the error.
             PARK, RETRY and SKIP are told to the server; the event's number and the error go to the log of
             "rxpump.model.group_settings", as a warning. RETRY is at once: the server waits for nothing. STOP ends this
             stream with the error and says nothing of the delivery, so that it comes again to whoever connects next:
             the server has no use for it (docs/protocol/tcp.md, section 4.18).

    Errors: that of a delivery for which STOP is decided; what `action` raises; InvalidArgument for an item that is no
    delivery (filter before it by what you like, but leave deliveries what they are), and, at the call, for an
    `action` that is none, or no work.
    """
    decide = _decision(action)
    if not work or not all(callable(operator) for operator in work):
        raise InvalidArgument("work", work, "the operators that may fail, one or more")
    checks.count("max_concurrent", max_concurrent)

    async def attempt(delivery: Any) -> Any:
        if not isinstance(delivery, Delivery):
            raise InvalidArgument("item", delivery, "a Delivery: what may fail is given to nack_on_error, not before")
        try:
            return await _put_through(delivery, work)
        except Exception as error:
            match decide(error):
                case NackAction.STOP:
                    raise
                case verdict:
                    _nack(delivery, verdict, error)
                    return []

    return reactivex.compose(map_async(attempt, max_concurrent), _spread)


async def _put_through(delivery: Delivery, work: Sequence[Callable[[Any], Any]]) -> list[Any]:
    """Give what the operators make of it, without a turn of the loop where they need none."""
    results: list[Any] = []
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(error: Exception) -> None:
        if not ended.done():
            ended.set_exception(error)

    def complete() -> None:
        if not ended.done():
            ended.set_result(None)

    source: Any = reactivex.just(delivery)
    subscription = source.pipe(*work).subscribe(results.append, fail, complete)
    try:
        await ended
    finally:
        subscription.dispose()
    return results


def _nack(delivery: Delivery, action: NackAction, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"
    if delivery.is_expired or delivery.is_settled:
        _log.warning("%r failed, and is not ours to nack any more: %s", delivery, reason)
    else:
        delivery.nack(action, reason)
        _log.warning("%r failed: %s", delivery, reason)


def _decision(action: object) -> Decide:
    if isinstance(action, NackAction):
        return lambda error: action
    if callable(action):
        return action
    raise InvalidArgument("action", action, "a NackAction, or a function from the error to one")


def _spread(source: Observable[Any]) -> Observable[Any]:
    """Deliver what lists hold, one by one, in the very delivery that brings the list."""

    def subscribe(observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        def on_next(items: Any) -> None:
            for item in items:
                observer.on_next(item)

        return source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

    return Observable(subscribe)
