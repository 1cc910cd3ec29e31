"""Events that a connection reports: the actions of the peer, and their consequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rxpump.grpc.http2.error_codes import ErrorCode

Header = tuple[str, str]
"""Name and value of a header field. Bytes that are not UTF-8 are kept as lone surrogates."""


class DataReceived(NamedTuple):
    """Bytes of a body. Adjacent DATA frames of a stream are reported as one event.

    Attributes:
        stream_id: Number of the stream.
        data: Bytes of the body, without padding.
        flow_bytes: Number of bytes to acknowledge with `Http2Connection.acknowledge`, padding included.
        is_end: Whether the peer sends nothing more on this stream.
    """

    stream_id: int
    data: bytes
    flow_bytes: int
    is_end: bool


@dataclass(frozen=True, slots=True)
class HeadersReceived:
    """Headers of a request or a response.

    Attributes:
        stream_id: Number of the stream.
        headers: Names and values in the order of the wire, pseudo-headers first.
        is_end: Whether the peer sends nothing more on this stream.
        is_too_large: Whether a request has more headers than `Http2Limits.max_header_list_bytes` allows. A server
            answers such a request with status 431.
    """

    stream_id: int
    headers: tuple[Header, ...]
    is_end: bool
    is_too_large: bool = False


@dataclass(frozen=True, slots=True)
class TrailersReceived:
    """Headers after the body. The peer sends nothing more on this stream.

    Attributes:
        stream_id: Number of the stream.
        headers: Names and values in the order of the wire.
    """

    stream_id: int
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class StreamReset:
    """A stream ended early. Nothing more arrives on it, and nothing can be sent on it.

    Attributes:
        stream_id: Number of the stream.
        code: Error code of the end.
        reason: Description of the end.
        is_unprocessed: Whether the peer certainly did nothing for this stream, so that the request can be repeated.
        is_by_peer: Whether the peer ended the stream, and not this endpoint because the peer broke the protocol.
    """

    stream_id: int
    code: ErrorCode | int
    reason: str
    is_unprocessed: bool = False
    is_by_peer: bool = True


@dataclass(frozen=True, slots=True)
class GoAwayReceived:
    """The peer accepts no new streams. Streams up to `last_stream_id` continue.

    Attributes:
        last_stream_id: Highest number of a stream of this endpoint that the peer processed or may process.
        code: Error code of the announcement; NO_ERROR if the peer shuts down in order.
        debug: Bytes that the peer added for diagnosis, at most `DEBUG_BYTES`.
    """

    last_stream_id: int
    code: ErrorCode | int
    debug: bytes


DEBUG_BYTES = 1024
"""Bytes of a GOAWAY frame's debug data that an event keeps."""


@dataclass(frozen=True, slots=True)
class SettingsReceived:
    """The peer announced or changed its settings."""


@dataclass(frozen=True, slots=True)
class ConnectionEnded:
    """The connection ended, and every stream on it.

    Attributes:
        code: Error code of the end, which the last frame to send (GOAWAY) carries.
        reason: Description of the end.
    """

    code: ErrorCode
    reason: str


Http2Event = (
    DataReceived
    | HeadersReceived
    | TrailersReceived
    | StreamReset
    | GoAwayReceived
    | SettingsReceived
    | ConnectionEnded
)
