"""Append events to several streams atomically (docs/protocol/grpc.md, sections 3.10, 5.12).

An AppendRecords request contains the records of all streams, and checks of any streams. An AppendSession request,
which older servers have, contains the streams one by one, each with its records and its expected version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rxpump.errors import InvalidArgument, UnexpectedReply
from rxpump.grpc.calls.fields import only
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import streams_v2
from rxpump.grpc.messages.methods import Method
from rxpump.model import json_text
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, Position
from rxpump.model.results import WriteResult

_FORMAT = streams_v2.Schema.Format
_LARGEST_EXACT: Final = 2**53
"""Largest range of whole numbers that floats represent exactly. A property can hold no other numbers."""

Events = Mapping[str, Sequence[NewEvent]]
"""Events to append to each stream."""


def append_records(events: Events, expected_versions: Mapping[str, int]) -> Operation[Mapping[str, WriteResult]]:
    """Return the AppendRecords request.

    Args:
        events: Events for each stream.
        expected_versions: Expected version by stream. It can contain streams that get no events.

    Raises:
        InvalidArgument: The metadata of an event is not a JSON object.
    """
    records = [_record(event, stream) for stream, items in events.items() for event in items]
    checks = [
        {"stream_state": {"stream": stream, "expected_state": version}}
        for stream, version in expected_versions.items()
        if version != ExpectedVersion.ANY
    ]

    def answer(messages: Sequence[Any], context: CallContext) -> Mapping[str, WriteResult]:
        response = only(messages, context.operation)
        last = {each.stream: each.revision for each in response.revisions}
        return _results(events, last, response.position, context)

    request = streams_v2.AppendRecordsRequest(records=records, checks=checks)
    context = _context(streams_v2.APPEND_RECORDS, events, expected_versions)
    return Operation(context, (request,), answer)


def append_session(events: Events, expected_versions: Mapping[str, int]) -> Operation[Mapping[str, WriteResult]]:
    """Return the AppendSession request, which checks only the streams of `events`; arguments as of `append_records`.

    Raises:
        InvalidArgument: The metadata of an event is not a JSON object.
    """
    requests = [
        streams_v2.AppendRequest(
            stream=stream,
            records=[_record(event) for event in items],
            expected_revision=expected_versions.get(stream, ExpectedVersion.ANY),
        )
        for stream, items in events.items()
    ]

    def answer(messages: Sequence[Any], context: CallContext) -> Mapping[str, WriteResult]:
        response = only(messages, context.operation)
        last = {each.stream: each.stream_revision for each in response.output}
        return _results(events, last, response.position, context)

    return Operation(_context(streams_v2.APPEND_SESSION, events, expected_versions), tuple(requests), answer)


def _context(method: Method, events: Events, expected_versions: Mapping[str, int]) -> CallContext:
    first = next(iter(events))
    return CallContext(
        method,
        "write to",
        Effect.WRITE,
        first,
        name=", ".join(list(events)[1:]),
        expected_version=expected_versions.get(first, ExpectedVersion.ANY),
    )


def _results(
    events: Events, last: Mapping[str, int], position: int, context: CallContext
) -> Mapping[str, WriteResult]:
    """Return the result for each stream. Only the last event has a position, because the server returns no other."""
    if last.keys() != events.keys():
        raise UnexpectedReply(context.operation, f"results for {', '.join(sorted(last)) or 'no stream'}")
    *_, final = events
    return {
        stream: WriteResult(
            stream,
            last[stream] - len(items) + 1,
            last[stream],
            Position(position, position) if stream == final else None,
        )
        for stream, items in events.items()
    }


def _record(event: NewEvent, stream: str | None = None) -> Any:
    """Return the record of an event.

    Args:
        event: The event.
        stream: Name of its stream, if the record must name it.
    """
    record = streams_v2.AppendRecord(
        record_id=str(event.id),
        schema={"format": _FORMAT.JSON if event.is_json else _FORMAT.BYTES, "name": event.type},
        data=event.data,
        stream=stream,
    )
    if event.metadata:
        _fill_properties(record.properties, event.metadata)
    return record


def _fill_properties(properties: Any, metadata: bytes) -> None:
    """Set the properties of a record to the metadata of an event, which must be a JSON object."""
    try:
        values = json_text.decode(metadata)
        if isinstance(values, dict) and "" not in values:
            for key, value in values.items():
                _fill_value(properties[key], value)
            return
    except (ValueError, RecursionError):
        pass
    allowed = "a JSON object whose keys are not empty and whose whole numbers have at most 53 bits"
    raise InvalidArgument("metadata", metadata, f"{allowed}, in an append to several streams")


def _fill_value(message: Any, value: Any) -> None:
    """Set a google.protobuf.Value to a JSON value. Raise ValueError for a number that it cannot represent."""
    match value:
        case None:
            message.null_value = 0
        case bool():
            message.bool_value = value
        case int() | float():
            if isinstance(value, int) and abs(value) > _LARGEST_EXACT:
                raise ValueError(value)
            message.number_value = value
        case str():
            message.string_value = value
        case list():
            message.list_value.SetInParent()
            for each in value:
                _fill_value(message.list_value.values.add(), each)
        case _:
            message.struct_value.SetInParent()
            for key, each in value.items():
                _fill_value(message.struct_value.fields[key], each)
