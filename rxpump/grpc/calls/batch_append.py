"""Append events by a BatchAppend call, which can carry many appends (docs/protocol/grpc.md, sections 3.5, 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from rxpump.errors import MalformedReply, RxPumpError
from rxpump.grpc.calls.append import written
from rxpump.grpc.calls.fields import expected, fill_event, identifier
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.errors.message_errors import error_of_batch
from rxpump.grpc.messages import shared, streams
from rxpump.model.new_events import NewEvent
from rxpump.model.results import WriteResult

_CORRELATION_TAG: Final = b"\x0a"
"""Protobuf tag of `correlation_id`, the first field of a request."""

_LONGEST_CACHED: Final = 1_000
"""Characters of the longest name of a stream whose options are cached, so that the cache is bounded."""


class Batch:
    """Events to append atomically by a BatchAppend call.

    The events are encoded once, so that a repeated batch has the same bytes after its correlation id.

    Args:
        stream: Name of the stream.
        events: The events.
        expected_version: Version that the stream must have.
        login: Login of the user, for errors; None for an anonymous user.

    Attributes:
        content: Encoded request without its correlation id.
    """

    __slots__ = ("_count", "_expected_version", "_login", "_stream", "content")

    def __init__(
        self, stream: str, events: Sequence[NewEvent], expected_version: int, login: str | None = None
    ) -> None:
        self._stream = stream
        self._expected_version = expected_version
        self._login = login
        self._count = len(events)
        options = (_cached_options if len(stream) <= _LONGEST_CACHED else _options)(stream, expected_version)
        request = streams.BatchAppendRequest()
        add = request.proposed_messages.add
        for event in events:
            fill_event(add(), event)
        self.content: bytes = options + request.SerializeToString()

    @property
    def context(self) -> CallContext:
        """Description of the append for its errors."""
        return CallContext(
            streams.BATCH_APPEND,
            "write to",
            Effect.WRITE,
            self._stream,
            login=self._login,
            expected_version=self._expected_version,
        )

    def request(self, correlation_id: int) -> bytes:
        """Return the encoded request.

        Args:
            correlation_id: Number of the request, from 1 to 2**63 - 1, which the answer repeats.
        """
        id = shared.Uuid()
        id.structured.least_significant_bits = correlation_id
        encoded = id.SerializeToString()
        return b"".join((_CORRELATION_TAG, bytes((len(encoded),)), encoded, self.content))

    def result(self, response: Any) -> WriteResult | RxPumpError:
        """Return the result of the append, or its error.

        Args:
            response: The BatchAppendResponse.
        """
        match response.WhichOneof("result"):
            case "success":
                return written(response.success, self._stream, self._count)
            case "error":
                return error_of_batch(response.error, self.context)
            case _:
                return MalformedReply(self.context.operation, "a response without a result")

    def __repr__(self) -> str:
        return f"<Batch of {self._count} events to {self._stream!r}, {len(self.content)} bytes>"


def _options(stream: str, expected_version: int) -> bytes:
    """Return the parts of an encoded request that many requests share: all but its id and its events."""
    options = {"stream_identifier": identifier(stream), **expected(expected_version, "stream_position")}
    encoded: bytes = streams.BatchAppendRequest(options=options, is_final=True).SerializeToString()
    return encoded


_cached_options = lru_cache(maxsize=256)(_options)


def correlation_id(response: Any) -> int:
    """Return the number of the request that a BatchAppendResponse answers, 0 for an id of no request of this client.

    A server can answer in either form of an id, whatever the form in the request was.
    """
    id = response.correlation_id
    if not id.HasField("string"):
        return int(id.structured.least_significant_bits)
    try:
        return UUID(id.string).int
    except ValueError:
        return 0
