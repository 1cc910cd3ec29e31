"""Decide when a request that a node has refused for now is sent again.

The delays are those of the policy for retries. A call is repeated until its deadline. A request of a subscription, a
publisher or a relay has no deadline. If a node does not handle it, this is treated like a lost connection, so the
limits of the reconnect policy also apply.
"""

from __future__ import annotations

from collections.abc import Callable

from rxpump.errors import NoNodeReady, NotHandled, RxPumpError, ServerError
from rxpump.settings import Settings
from rxpump.tcp.protocol.request import Request


def pause_before_retry(
    request: Request, refusal: ServerError, settings: Settings, chance: Callable[[], float]
) -> float | None:
    """Return the seconds until a request is sent again, or None if its policy does not allow it."""
    pause = settings.retry.delay(request.attempts, chance)
    if pause is None or not _is_like_a_loss(request, refusal):
        return pause
    reconnect = settings.reconnect.delay(request.refusals, chance)
    return None if reconnect is None else min(reconnect, settings.retry.max_delay)


def last_error(request: Request, refusal: ServerError, settings: Settings, nodes: str) -> RxPumpError:
    """Return the error of a request that is not sent again.

    Args:
        request: The request.
        refusal: Its last refusal.
        settings: Settings of the client.
        nodes: Recent experience with each node.
    """
    if not _is_like_a_loss(request, refusal) or settings.retry.delay(request.attempts) is None:
        return refusal
    return NoNodeReady(str(request.operation), request.refusals, nodes or str(refusal))


def _is_like_a_loss(request: Request, refusal: ServerError) -> bool:
    return request.deadline is None and isinstance(refusal, NotHandled)
