"""Delete a stream, softly or permanently (docs/protocol/grpc.md, sections 3.4, 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxpump.grpc.calls.fields import expected, identifier, log_position, only
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import streams
from rxpump.model.results import DeleteResult


def delete(stream: str, expected_version: int, *, hard: bool) -> Operation[DeleteResult]:
    """Return the Delete request, or Tombstone if `hard`.

    It can be repeated: a second soft delete changes nothing, and a second hard delete is answered with StreamDeleted,
    which describes the result.
    """
    method = streams.TOMBSTONE if hard else streams.DELETE
    context = CallContext(method, "delete", Effect.WRITE, stream, expected_version=expected_version)
    options = {"stream_identifier": identifier(stream), **expected(expected_version)}

    def answer(messages: Sequence[Any], context: CallContext) -> DeleteResult:
        return DeleteResult(stream, log_position(only(messages, context.operation)))

    return Operation(context, (streams.DeleteRequest(options=options),), answer)
