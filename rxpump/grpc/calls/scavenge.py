"""Start and stop a scavenge of the connected node (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rxpump.errors import ScavengeInProgress, UnexpectedReply
from rxpump.grpc.calls.fields import only
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import operations
from rxpump.model.results import ScavengeResult

_SILENCE: Final = "a server that keeps its events in memory does not answer its first scavenge"

_RESULT = operations.ScavengeResponse.Result


def start_scavenge() -> Operation[ScavengeResult]:
    """Return the StartScavenge request, which is answered when the scavenge has started."""
    request = operations.StartScavengeRequest(options={"thread_count": 1, "start_from_chunk": 0})
    context = CallContext(operations.START_SCAVENGE, "scavenge", Effect.NONE, silence_hint=_SILENCE)
    return Operation(context, (request,), _started)


def stop_scavenge(id: str) -> Operation[ScavengeResult]:
    """Return the StopScavenge request.

    Args:
        id: Id of the scavenge.
    """
    request = operations.StopScavengeRequest(options={"scavenge_id": id})
    context = CallContext(operations.STOP_SCAVENGE, "scavenge", Effect.NONE)
    return Operation(context, (request,), _stopped)


def _started(messages: Sequence[Any], context: CallContext) -> ScavengeResult:
    response = only(messages, context.operation)
    if response.scavenge_result == _RESULT.IN_PROGRESS:
        raise ScavengeInProgress(f"scavenge {response.scavenge_id} is running")
    return _result(response, _RESULT.STARTED, context)


def _stopped(messages: Sequence[Any], context: CallContext) -> ScavengeResult:
    return _result(only(messages, context.operation), _RESULT.STOPPED, context)


def _result(response: Any, wanted: int, context: CallContext) -> ScavengeResult:
    if response.scavenge_result != wanted:
        raise UnexpectedReply(context.operation, f"the result {response.scavenge_result}")
    return ScavengeResult(response.scavenge_id)
