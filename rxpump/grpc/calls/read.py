"""Requests and responses of the method Read (docs/protocol/grpc.md, sections 3.3, 5.5, 5.6, 5.9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from rxpump.errors import MalformedReply
from rxpump.grpc.calls.fields import EMPTY, identifier
from rxpump.grpc.calls.operation import parse
from rxpump.grpc.calls.records import received_events
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.errors.message_errors import error_of_read
from rxpump.grpc.messages import streams
from rxpump.model.events import Event
from rxpump.model.positions import END, FIRST_POSITION, LAST_POSITION, START, Edge, Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM

UNLIMITED: Final = 2**63 - 1
"""Count of a read to the end."""

_DIRECTIONS: Final = {StreamDirection.FORWARD: 0, StreamDirection.BACKWARD: 1}
_EVENT: Final = b"\x0a"
"""First byte of a ReadResponse that begins with an event, which is its first field."""

_SUBSCRIPTION: Final[dict[str, Any]] = {"subscription": EMPTY}


def read_context(stream: str | None) -> CallContext:
    """Return the context of a read; None is `$all`."""
    return CallContext(streams.READ, "read", Effect.NONE, ALL_STREAM if stream is None else stream)


def subscribe_context(stream: str | None) -> CallContext:
    """Return the context of a subscription; None is `$all`."""
    return CallContext(streams.READ, "subscribe to", Effect.SUBSCRIPTION, ALL_STREAM if stream is None else stream)


# Requests --------------------------------------------------------------------------------------------------------


def read_stream(
    stream: str, start: int | Edge, direction: StreamDirection, *, resolve_links: bool, count: int = UNLIMITED
) -> bytes:
    """Return the request to read a stream; arguments as in `Transport.read_stream`.

    The response contains the numbers of the first and the last event, from version 21.10.
    """
    source = {"stream_identifier": identifier(stream), **_edge_or(start, "revision")}
    control = {"control_option": {"compatibility": 1}}
    return _request("stream", source, direction, {"count": count}, resolve_links=resolve_links, **control)


def read_all(
    start: Position | Edge,
    direction: StreamDirection,
    *,
    resolve_links: bool,
    count: int = UNLIMITED,
    filter: dict[str, Any] | None = None,
) -> bytes:
    """Return the request to read `$all`; arguments as in `Transport.read_all`. `filter` is an EventFilter message."""
    return _request("all", _place(start), direction, {"count": count}, filter, resolve_links=resolve_links)


def follow_stream(stream: str, after: int, *, resolve_links: bool) -> bytes:
    """Return the request to subscribe to the events after a number, -1 for all events of a stream."""
    source = {"stream_identifier": identifier(stream), **_edge_or(after if after >= 0 else START, "revision")}
    return _request("stream", source, StreamDirection.FORWARD, _SUBSCRIPTION, resolve_links=resolve_links)


def follow_all(after: Position | Edge, *, resolve_links: bool, filter: dict[str, Any] | None = None) -> bytes:
    """Return the request to subscribe to the events of `$all` after a position."""
    forward = StreamDirection.FORWARD
    return _request("all", _place(after), forward, _SUBSCRIPTION, filter, resolve_links=resolve_links)


def index(name: str) -> dict[str, Any]:
    """Return the EventFilter message that selects the events of a secondary index (from version 25.1)."""
    return {"stream_identifier": {"prefix": [name]}, "count": EMPTY, "checkpoint_interval_multiplier": 1}


def after_commit(position: Position) -> Position:
    """Return a position that is after all events of a commit and before all events of the next one.

    The protocol has no value for the position after the last event of the log, where a page of `$all` can end. The
    result is a position inside a record, where no event can be, and `_place` recognizes it.
    """
    return Position(position.commit + 1, position.commit)


def is_after_commit(position: Position) -> bool:
    """Return whether a position is a result of `after_commit`."""
    return position.commit == position.prepare + 1


def _request(
    name: str,
    source: dict[str, Any],
    direction: StreamDirection,
    amount: dict[str, Any],
    filter: dict[str, Any] | None = None,
    **options: Any,
) -> bytes:
    filtering = {"no_filter": EMPTY} if filter is None else {"filter": filter}
    request = streams.ReadRequest(
        options={
            name: source,
            "read_direction": _DIRECTIONS[direction],
            **amount,
            **filtering,
            "uuid_option": {"structured": EMPTY},
            **options,
        }
    )
    return bytes(request.SerializeToString())


def _edge_or(start: Any, name: str) -> dict[str, Any]:
    return {start.value: EMPTY} if isinstance(start, Edge) else {name: start}


def _place(start: Position | Edge) -> dict[str, Any]:
    if start == FIRST_POSITION:
        start = START
    elif start == LAST_POSITION:
        start = END
    if isinstance(start, Edge):
        return {start.value: EMPTY}
    commit = start.prepare if is_after_commit(start) else start.commit
    return {"position": {"commit_position": commit, "prepare_position": min(start.prepare, commit)}}


# Responses -------------------------------------------------------------------------------------------------------


class StreamMarks(NamedTuple):
    """First and last event numbers of a stream, as the response to a read with a count contains them.

    Attributes:
        first: Number of the first event that can be read, if the server names it.
        last: Number of the last event of the stream, if the server names it.
    """

    first: int | None = None
    last: int | None = None


def parts(messages: list[bytes], context: CallContext) -> Iterator[list[bytes] | Any]:
    """Yield the messages in order: adjacent messages with events as an encoded list, any other message decoded."""
    start = 0
    for at, message in enumerate(messages):
        if not message.startswith(_EVENT):
            if start < at:
                yield messages[start:at]
            decoded = parse(context, streams.ReadResponse, message)
            # Protobuf permits that a field that is not known here precedes the event.
            yield [decoded.SerializeToString()] if decoded.HasField("event") else decoded
            start = at + 1
    if start < len(messages):
        yield messages[start:] if start else messages


def kind_of(message: bytes, context: CallContext) -> str:
    """Return the name of the field that a message contains; an empty text if the field is not known here."""
    return parse(context, streams.ReadResponse, message).WhichOneof("content") or ""


def events(messages: Sequence[bytes], context: CallContext) -> Sequence[Event]:
    """Return the events of messages, each of which contains one event.

    Args:
        messages: Encoded messages.
        context: Description of the call.

    Raises:
        MalformedReply: The bytes are not such messages.
    """
    try:
        return received_events(messages)
    except DecodeError as error:
        raise MalformedReply(context.operation, str(error)) from error


def counted(messages: list[bytes], context: CallContext) -> tuple[Sequence[Event], StreamMarks]:
    """Return the events of a read with a count, and the first and last number of the stream.

    Raises:
        StreamNotFound: The stream does not exist, or was soft-deleted.
    """
    encoded: list[bytes] = []
    marks = StreamMarks()
    for part in parts(messages, context):
        if isinstance(part, list):
            encoded = [*encoded, *part] if encoded else part
            continue
        match part.WhichOneof("content"):
            case "stream_not_found":
                raise error_of_read(context)
            case "first_stream_position":
                marks = marks._replace(first=part.first_stream_position)
            case "last_stream_position":
                marks = marks._replace(last=part.last_stream_position)
    return events(encoded, context) if encoded else (), marks
