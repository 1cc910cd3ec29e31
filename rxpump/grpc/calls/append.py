"""Append events by an Append call (docs/protocol/grpc.md, sections 3.4, 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rxpump.errors import InvalidArgument, MalformedReply
from rxpump.grpc.calls.fields import expected, fill_event, identifier, log_position, only
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.errors.message_errors import error_of_append
from rxpump.grpc.messages import streams
from rxpump.model.new_events import NewEvent
from rxpump.model.results import WriteResult

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024 - 10_000
"""Size of the largest message that servers accept (docs/protocol/grpc.md, section 1.2)."""


def append_context(stream: str, expected_version: int) -> CallContext:
    """Return the context of an append."""
    return CallContext(streams.APPEND, "write to", Effect.WRITE, stream, expected_version=expected_version)


def append(stream: str, events: Sequence[NewEvent], expected_version: int) -> Operation[WriteResult]:
    """Return the Append request, which writes events atomically.

    It can be repeated, because the server recognizes the ids of the events: forever with an exact expected version,
    and as best effort with ANY.
    """
    options = streams.AppendRequest(options={"stream_identifier": identifier(stream), **expected(expected_version)})
    requests = [options]
    for event in events:
        request = streams.AppendRequest()
        fill_event(request.proposed_message, event)
        if request.ByteSize() > MAX_MESSAGE_BYTES:
            shown = f"{event.type} of {event.size} bytes"
            raise InvalidArgument("event", shown, f"at most {MAX_MESSAGE_BYTES} bytes in a message of gRPC")
        requests.append(request)

    def answer(messages: Sequence[Any], context: CallContext) -> WriteResult:
        response = only(messages, context.operation)
        match response.WhichOneof("result"):
            case "success":
                return written(response.success, stream, len(events))
            case "wrong_expected_version":
                raise error_of_append(response.wrong_expected_version, context)
            case _:
                raise MalformedReply(context.operation, "a response without a result")

    return Operation(append_context(stream, expected_version), tuple(requests), answer)


def written(success: Any, stream: str, count: int) -> WriteResult:
    """Return the result of a write.

    Args:
        success: `success` of an AppendResponse or a BatchAppendResponse.
        stream: Name of the stream.
        count: Number of events that were written.
    """
    last = success.current_revision if success.HasField("current_revision") else -1
    return WriteResult(stream, last - count + 1, last, log_position(success))
