"""Fields that several messages have: ids, names of streams, expected versions and positions.

Each function takes or returns the value as `rxpump.model` has it (docs/protocol/grpc.md, sections 3.1, 3.2).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, Final

from rxpump.errors import MalformedReply
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, Position

UNSIGNED_MINUS_ONE: Final = (1 << 64) - 1
"""The number -1 in an unsigned field, which stands for "none" or "the end"."""

JSON: Final = "application/json"
BINARY: Final = "application/octet-stream"

EMPTY: Final[dict[str, Any]] = {}
"""Value of a message field whose message has no fields."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_LEADING_HALF: Final = Struct("<iHH")
_TRAILING_HALF: Final = Struct(">q")

_EXPECTED: Final[dict[int, str]] = {
    ExpectedVersion.ANY: "any",
    ExpectedVersion.NO_STREAM: "no_stream",
    ExpectedVersion.STREAM_EXISTS: "stream_exists",
}


def identifier(stream: str) -> dict[str, bytes]:
    """Return the StreamIdentifier of a stream."""
    return {"stream_name": stream.encode()}


def source(stream: str | None, name: str = "stream_identifier") -> dict[str, Any]:
    """Return the field that names the stream of a consumer group, as keyword arguments of a message.

    Args:
        stream: Name of the stream; None is `$all`.
        name: Name of the field if the group is not on `$all`.
    """
    return {"all": EMPTY} if stream is None else {name: identifier(stream)}


def expected(version: int, exact: str = "revision") -> dict[str, Any]:
    """Return the field that contains an expected version, as keyword arguments of a message.

    Args:
        version: Number of an event, or a constant of ExpectedVersion.
        exact: Name of the field if `version` is the number of an event.
    """
    return {exact: version} if version >= 0 else {_EXPECTED[version]: EMPTY}


def fill_uuid(message: Any, id_bytes: bytes) -> None:
    """Set the fields of a Uuid to its structured form.

    Args:
        message: The Uuid.
        id_bytes: The id in the order of `UUID.bytes_le`.
    """
    halves = message.structured
    first, second, third = _LEADING_HALF.unpack_from(id_bytes)
    halves.most_significant_bits = first << 32 | second << 16 | third
    (halves.least_significant_bits,) = _TRAILING_HALF.unpack_from(id_bytes, 8)


def time_of(ticks: int) -> datetime | None:
    """Return the time for a number of 100 ns since 1970.

    Returns:
        The time (aware, UTC); None for 0, which stands for no time, and for a number that is out of range.
    """
    try:
        return _EPOCH + timedelta(microseconds=ticks // 10) if ticks > 0 else None
    except OverflowError:
        return None


def fill_event(message: Any, event: NewEvent) -> None:
    """Set the fields of a ProposedEvent."""
    fill_uuid(message.id, event.id_bytes)
    metadata = message.metadata
    metadata["type"] = event.type
    metadata["content-type"] = JSON if event.is_json else BINARY
    message.data = event.data
    message.custom_metadata = event.metadata


def log_position(message: Any, field: str = "position") -> Position | None:
    """Return the position in the response to a write; None if the server did not send it.

    Args:
        message: Message with a field for a Position and a field `no_position`.
        field: Name of the field with the Position.
    """
    if not message.HasField(field):
        return None
    found = getattr(message, field)
    if found.commit_position == UNSIGNED_MINUS_ONE:
        return None
    return Position(found.commit_position, found.prepare_position)


def only(messages: Any, operation: str) -> Any:
    """Return the message of a response that must have exactly one.

    Raises:
        MalformedReply: There is no message, or there are several.
    """
    if len(messages) != 1:
        raise MalformedReply(operation, f"a response of {len(messages)} messages instead of one")
    return messages[0]
