"""The options of a BatchAppend request: the stream, its expected version, and the deadline.

Most requests of a client have the same options. They are therefore parsed and checked once, and found by their bytes
afterwards.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from rxpump.grpc.messages.schema import message_class
from rxpump.grpc.messages.streams import BatchAppendResponse
from rxpump.server.grpc.call_errors import not_protobuf
from rxpump.server.grpc.services.proposed_events import (
    MAX_EVENT_BYTES,
    BadRequestField,
    MissingVersion,
    expected_version,
    stream_name,
)

WRITE_TIMEOUT: Final = 2.0
"""Seconds in which the last part of a batch must arrive; a client can request fewer."""

_NO_STREAM: Final = "Object reference not set to an instance of an object."
_EMPTY_STREAM: Final = "Invalid stream ID:  (Parameter 'eventStreamIds')"
"""Texts of a real server for a batch that names no stream, or one with an empty name."""

_Options: Any = message_class("streams.BatchAppendRequest.Options")
_LONGEST_CACHED: Final = 1_000
"""Size in bytes of the longest options that are cached, so that the cache is bounded."""


class BatchOptions(NamedTuple):
    """Options of a batch.

    Attributes:
        stream: Stream to append to.
        expected: Expected version of the stream.
        small: Size in bytes up to which every event fits into a record of the stream.
        seconds: Seconds in which the last part of the batch must arrive.
        deadline: Unix time by which the last part must arrive; None if the client sent no time of a clock.
        stream_field: Encoded field `stream_identifier` of the response.
    """

    stream: str
    expected: int
    small: int
    seconds: float
    deadline: float | None
    stream_field: bytes

    @property
    def timeout(self) -> float:
        """Seconds until the last part of the batch must have arrived; negative if that time has passed."""
        return self.seconds if self.deadline is None else min(self.seconds, self.deadline - time.time())


def read_options(encoded: bytes) -> BatchOptions:
    """Return the options of a request.

    Args:
        encoded: The field `options` of a `BatchAppendRequest`.

    Raises:
        BadRequestField: The name of the stream cannot be used, or there is no expected version.
        CallError: The bytes are not options.
    """
    return (_cached if len(encoded) <= _LONGEST_CACHED else _read)(encoded)


def parse_options(encoded: bytes) -> Any:
    """Return the options of a request as a message.

    Raises:
        CallError: The bytes are not options.
    """
    try:
        return _Options.FromString(encoded)
    except DecodeError:
        raise not_protobuf() from None


def _read(encoded: bytes) -> BatchOptions:
    options = parse_options(encoded)
    if not options.HasField("stream_identifier"):
        raise BadRequestField(_NO_STREAM)
    if not options.stream_identifier.stream_name:
        raise BadRequestField(_EMPTY_STREAM)
    stream = stream_name(options.stream_identifier)
    kind = options.WhichOneof("expected")
    expected = expected_version("revision" if kind == "stream_position" else kind, options.stream_position)
    if expected is None:
        raise MissingVersion
    seconds, deadline = _limit(options)
    response = BatchAppendResponse(stream_identifier={"stream_name": stream.encode()})
    return BatchOptions(
        stream=stream,
        expected=expected,
        small=MAX_EVENT_BYTES // 2 - 4 * len(stream),
        seconds=seconds,
        deadline=deadline,
        stream_field=response.SerializeToString(),
    )


_cached: Final = lru_cache(maxsize=1024)(_read)


def _limit(options: Any) -> tuple[float, float | None]:
    """Return the attributes `seconds` and `deadline`."""
    match options.WhichOneof("deadline_option"):
        case "deadline":
            return min(_seconds(options.deadline), WRITE_TIMEOUT), None
        case "deadline_21_10_0":
            return WRITE_TIMEOUT, _seconds(options.deadline_21_10_0)
    return WRITE_TIMEOUT, None


def _seconds(message: Any) -> float:
    return float(message.seconds + message.nanos / 1e9)
