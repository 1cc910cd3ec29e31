"""Streams.Append: append the events of one call as one atomic write (docs/protocol/grpc.md, section 5.2)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.streams import AppendResponse
from rxpump.server.access.access import Permission
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import (
    CallError,
    access_denied,
    append_too_large,
    event_too_large,
    handler_failed,
    invalid_argument,
    metadata_missing,
    not_committed,
    stream_deleted,
)
from rxpump.server.grpc.event_ids import text_of_id
from rxpump.server.grpc.leadership import check_leadership
from rxpump.server.grpc.services.append_outcome import current_version, of_tombstoned, success, wrong_version
from rxpump.server.grpc.services.proposed_events import (
    MAX_APPEND_BYTES,
    MAX_EVENT_BYTES,
    BadRequestField,
    EventTooLarge,
    MissingMetadata,
    event_bytes,
    expected_version,
    has_room,
    proposed_event,
    stream_name,
)
from rxpump.server.membership import Demand
from rxpump.server.store.append_rule import StreamDeleted, Unanswered, WrongVersion
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended, NotCommitted
from rxpump.server.store.new_event import NewEvent

_NO_VERSION: Final = (
    "'None' is not a valid EventStore.Client.Streams.AppendReq+Types+Options+ExpectedStreamRevisionOneofCase"
)


async def append(call: Call) -> None:
    """Answer an Append request when its events are committed."""
    try:
        stream, expected, kind = await _options(call)
        events = [event async for event in _Events(call, stream)]
    except BadRequestField as error:
        raise _refusal(error) from None
    request = AppendRequest(stream, expected, events, call.node.strictness)
    match await call.node.store.append(request):
        case Appended() as appended:
            call.reply(AppendResponse(success=success(call.node, stream, appended)))
        case WrongVersion(current):
            call.reply(AppendResponse(wrong_expected_version=wrong_version(current, expected, kind)))
        case Unanswered():
            current = current_version(call.node, stream)
            call.reply(AppendResponse(wrong_expected_version=wrong_version(current, expected, kind)))
        case StreamDeleted():
            done = of_tombstoned(call.node, request)
            if done is None:
                raise stream_deleted(stream)
            call.reply(AppendResponse(success=success(call.node, stream, done)))
        case NotCommitted() as outcome:
            raise not_committed(outcome)


async def _options(call: Call) -> tuple[str, int, str]:
    """Return the stream, the expected version, and the name of its field in the first message."""
    first = await call.next_message()
    if first is None or first.WhichOneof("content") != "options":
        raise handler_failed("The first message must have the options of the append.")
    kind = first.options.WhichOneof("expected")
    expected = expected_version(kind, first.options.revision)
    if expected is None:
        raise invalid_argument(_NO_VERSION)
    stream = stream_name(first.options.stream_identifier)
    if not call.node.access.may(call.user, Permission.WRITE, stream):
        raise access_denied()
    check_leadership(call, Demand.WRITE)
    return stream, expected, kind


class _Events:
    """Collector of the events of a call. The first message describes the append, each further message is an event."""

    def __init__(self, call: Call, stream: str) -> None:
        self._call = call
        self._stream = stream
        self._size = 0

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> NewEvent:
        message = await self._call.next_message()
        if message is None:
            raise StopAsyncIteration
        return self._event(message)

    def _event(self, message: Any) -> NewEvent:
        if message.WhichOneof("content") != "proposed_message":
            raise handler_failed("Each message after the first must have an event.")
        event = proposed_event(message.proposed_message)
        size = event_bytes(event)
        if not has_room(event, self._stream):
            raise EventTooLarge(text_of_id(event.event_id), size)
        self._size += size
        if self._size > MAX_APPEND_BYTES:
            raise append_too_large(MAX_APPEND_BYTES)
        self._call.keep(size)
        return event


def _refusal(error: BadRequestField) -> CallError:
    match error:
        case MissingMetadata():
            return metadata_missing(error.key)
        case EventTooLarge():
            return event_too_large(error.event_id, error.size, MAX_EVENT_BYTES)
    return handler_failed(error.reason)
