"""Convert outcomes of appends to the messages of Append and BatchAppend."""

from __future__ import annotations

from typing import Any

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import ExpectedVersion
from rxpump.server.grpc.event_encoder import varint_of
from rxpump.server.grpc.services.proposed_events import MINUS_ONE
from rxpump.server.node import Node
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import REPEATED_POSITION, Appended
from rxpump.server.store.located_pages import located_position
from rxpump.server.store.record import varint

_NAMES = {
    ExpectedVersion.ANY: "any",
    ExpectedVersion.STREAM_EXISTS: "stream_exists",
    ExpectedVersion.NO_STREAM: "no_stream",
}


def of_tombstoned(node: Node, request: AppendRequest) -> Appended | None:
    """Return the result of an append to a tombstoned stream; None if it is refused.

    As in version 26.1, an append without events that expects any version or no stream succeeds.
    """
    if request.events or request.expected_version not in (ExpectedVersion.ANY, ExpectedVersion.NO_STREAM):
        return None
    return Appended(MAX_EVENT_NUMBER, MAX_EVENT_NUMBER, node.store.read.log().last_commit)


def success(node: Node, stream: str, outcome: Appended) -> dict[str, Any]:
    """Return the fields of `AppendResponse.Success`.

    A repeated append is answered with the numbers and the position of the first one.
    """
    number, position = outcome.last, outcome.position
    current: dict[str, Any] = {"no_stream": {}} if number < 0 else {"current_revision": number}
    if position == REPEATED_POSITION:
        found = located_position(node.store.read, stream, number)
        if found is None:
            return {**current, "no_position": {}}
        position = found
    return {**current, "position": {"commit_position": position, "prepare_position": position}}


def encoded_success(correlation_id: bytes, appended: Appended, stream_field: bytes) -> bytes:
    """Return an encoded `BatchAppendResponse` for events that were written.

    The bytes are put together here, because filling in a message takes twice the time.

    Args:
        correlation_id: Encoded id of the batch.
        appended: Number and position of the last event.
        stream_field: Encoded field `stream_identifier` of the response.
    """
    at = varint(appended.position)
    result = b"\x08%b\x1a%c\x08%b\x10%b" % (varint(appended.last), 2 + 2 * len(at), at, at)
    size = varint_of(len(correlation_id))
    return b"\x0a%b%b\x1a%c%b%b" % (size, correlation_id, len(result), result, stream_field)


def wrong_version(current: int, expected: int, kind: str) -> dict[str, Any]:
    """Return the fields of `AppendResponse.WrongExpectedVersion`, those of version 20.6.0 included.

    Args:
        current: Number of the last event of the stream; -1 if there is none.
        expected: Expected version.
        kind: Name of the field in which the client sent it.
    """
    name = None if kind == "revision" else kind
    expected = MINUS_ONE if expected == ExpectedVersion.NO_STREAM else expected
    fields: dict[str, Any] = (
        {"current_no_stream": {}, "no_stream_20_6_0": {}}
        if current < 0
        else {"current_revision": current, "current_revision_20_6_0": current}
    )
    if name is None:
        fields |= {"expected_revision": expected, "expected_revision_20_6_0": expected}
    elif name == "no_stream":
        fields |= {"expected_no_stream": {}, "expected_revision_20_6_0": MINUS_ONE}
    else:
        fields |= {f"expected_{name}": {}, f"{name}_20_6_0": {}}
    return fields


def wrong_version_of_batch(current: int, expected: int) -> dict[str, Any]:
    """Return the fields of `WrongExpectedVersion`, the detail of an error of a batch."""
    name = _NAMES.get(ExpectedVersion(expected)) if expected < 0 else None
    fields: dict[str, Any] = {"current_no_stream": {}} if current < 0 else {"current_stream_revision": current}
    if name is None:
        return {**fields, "expected_stream_position": expected}
    return {**fields, f"expected_{name}": {}}


def current_version(node: Node, stream: str) -> int:
    """Return the number of the last event of a stream; -1 if there is none."""
    found = node.store.read.stream(stream)
    return -1 if found is None else found.last
