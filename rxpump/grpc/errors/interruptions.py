"""Error of a call that was interrupted. It depends on the effect of the call."""

from __future__ import annotations

from typing import Final

from rxpump.errors import (
    CommitTimeout,
    ForwardTimeout,
    NotReady,
    OutcomeUnknown,
    PrepareTimeout,
    RequestInterrupted,
    RxPumpError,
    SubscriptionDropped,
)
from rxpump.grpc.errors.call_context import CallContext, Effect

_TIMEOUTS: Final[dict[str, type[OutcomeUnknown]]] = {
    "Prepare phase timeout": PrepareTimeout,
    "Commit phase timeout": CommitTimeout,
    "Forwarding timeout": ForwardTimeout,
}
"""Class of the error of a write, by a part of the text of the status."""


def interrupted(reason: str, call: CallContext) -> RxPumpError:
    """Return the error of a call that the server did not finish.

    Args:
        reason: Text of the server.
        call: Description of the call.
    """
    match call.effect:
        case Effect.WRITE:
            found = (error for text, error in _TIMEOUTS.items() if text in reason)
            return next(found, OutcomeUnknown)(call.stream_or_all, reason)
        case Effect.SUBSCRIPTION:
            return SubscriptionDropped(call.stream_or_all, reason)
        case Effect.NONE if call.method.is_repeatable:
            return NotReady(call.operation)
        case Effect.NONE:
            return RequestInterrupted(call.address, reason, call.operation)
