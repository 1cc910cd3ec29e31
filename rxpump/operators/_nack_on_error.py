"""`nack_on_error`: apply operators to each delivery and nack the deliveries that fail."""

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
    """Apply the operators `work` to each delivery alone, and nack a delivery if they fail.

        ──1─────2─────3─────4──▶
        nack_on_error(PARK, ops.json(), ops.map_async(book))
        ──r1────────────r3──r4─▶      2 failed and is parked

        def decide(error: Exception) -> NackAction:
            return NackAction.RETRY if isinstance(error, OSError) else NackAction.PARK

        client.connect_subscription("billing", "orders").pipe(
            ops.nack_on_error(decide, ops.json(), ops.map_async(book), max_concurrent=8), ops.ack_each()
        ).subscribe()

    In Rx an error ends the whole stream. This operator subscribes to `work` once for each delivery, so that an error
    ends the work on that delivery only. Any operators can be used. Their results are emitted in the order of the
    deliveries, when the work on a delivery has completed: all results, or none if it failed.

    Args:
        action: Action for a delivery that failed, or a function that returns it for an error. PARK, RETRY and SKIP
            are sent to the server, and the event's number and the error are logged as a warning to
            "rxpump.persistent". The server retries at once. STOP ends this stream with the error and sends nothing,
            so the server delivers the event again to another consumer (docs/protocol/tcp.md, section 4.18).
        *work: Operators to apply, at least one.
        max_concurrent: Number of deliveries that are worked on at once.

    Returns:
        An operator that emits the results. It fails with the error of a delivery whose action is STOP, with an error
        that `action` raises, and with InvalidArgument if an item is not a Delivery. Operators before it can filter
        deliveries but must not map them.

    Raises:
        InvalidArgument: `action` is not an action or a function, or `work` is empty.
    """
    decide = _decision(action)
    if not work or not all(callable(operator) for operator in work):
        raise InvalidArgument("work", work, "one or more operators")
    checks.count("max_concurrent", max_concurrent)

    async def attempt(delivery: Any) -> Any:
        if not isinstance(delivery, Delivery):
            raise InvalidArgument(
                "item",
                delivery,
                "a Delivery; pass operators that may fail to nack_on_error",
            )
        try:
            return await _apply(delivery, work)
        except Exception as error:
            match decide(error):
                case NackAction.STOP:
                    raise
                case verdict:
                    _nack(delivery, verdict, error)
                    return []

    return reactivex.compose(map_async(attempt, max_concurrent), _flatten)


async def _apply(delivery: Delivery, work: Sequence[Callable[[Any], Any]]) -> list[Any]:
    """Return the results of the operators for one delivery. If the operators are synchronous, this does not wait."""
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
        _log.warning("%r failed and cannot be nacked, because it has expired or is settled: %s", delivery, reason)
    else:
        delivery.nack(action, reason)
        _log.warning("%r failed: %s", delivery, reason)


def _decision(action: object) -> Decide:
    if isinstance(action, NackAction):
        return lambda error: action
    if callable(action):
        return action
    raise InvalidArgument("action", action, "a NackAction, or a function that returns one for an error")


def _flatten(source: Observable[Any]) -> Observable[Any]:
    """Emit the items of each list one by one, within the delivery of the list."""

    def subscribe(observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        def on_next(items: Any) -> None:
            for item in items:
                observer.on_next(item)

        return source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

    return Observable(subscribe)
