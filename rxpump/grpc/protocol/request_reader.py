"""The request of one call, as a server reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rxpump.grpc.http2.http2_events import DataReceived, Header, HeadersReceived
from rxpump.grpc.protocol.call_metadata import Metadata, decode_metadata
from rxpump.grpc.protocol.call_status import HANDLER_FAILED, CallStatus, StatusCode
from rxpump.grpc.protocol.headers import CONTENT_TYPE, trailers_only
from rxpump.grpc.protocol.message_reader import ENCODINGS, MessageFault, MessageReader
from rxpump.grpc.protocol.timeouts import parse_timeout

_MOST_HEADERS: Final = 100
"""Largest number of headers of a request besides the pseudo-headers, the same as on a real server."""


class RequestReader:
    """Reader of the events of one stream of a server.

    Args:
        event: Headers of the request.
        max_message_bytes: Size of the largest message that is accepted.

    Attributes:
        path: "/package.Service/Method".
        timeout: Seconds until the call must end, or None for no limit.
        metadata: Names and values that the client sent.
        refusal: Headers that end the stream at once, or None if the request can be served.
        failure: CallStatus that ends the call, because the messages cannot be read, or None.
        reason: Sentence about the failure, if a real server does not send one.
        is_complete: Whether the client sends nothing more.
    """

    def __init__(self, event: HeadersReceived, max_message_bytes: int) -> None:
        fields = dict(event.headers)
        encoding = fields.get("grpc-encoding")
        self.path: str = fields.get(":path", "")
        self.timeout: float | None = parse_timeout(fields.get("grpc-timeout", ""))
        self.metadata: Metadata = decode_metadata(event.headers)
        self.refusal: Sequence[Header] | None = _refusal(event, fields)
        self.failure: CallStatus | None = None
        self.reason: str = ""
        self.is_complete: bool = event.is_end
        self._messages = MessageReader(max_message_bytes, encoding)

    @property
    def held_bytes(self) -> int:
        """Number of bytes of an incomplete message."""
        return self._messages.held_bytes

    def receive(self, event: DataReceived) -> list[bytes]:
        """Apply bytes of the request.

        Returns:
            The messages that are complete now, up to a failure.
        """
        messages = self._messages.feed(event.data)
        if event.is_end:
            self.end()
        else:
            self._check_messages()
        return messages

    def end(self) -> None:
        """End the request, because trailers have arrived, after which the client sends nothing."""
        self.is_complete = True
        self._messages.finish()
        self._check_messages()

    def _check_messages(self) -> None:
        fault = self._messages.failure
        if fault is not None:
            self.failure = _status(fault)
            self.reason = fault.reason if fault.is_damage else ""

    def __repr__(self) -> str:
        state = "complete" if self.is_complete else "incomplete"
        return f"<RequestReader {self.path} {state}, {self._messages.held_bytes} bytes held>"


def _refusal(event: HeadersReceived, fields: dict[str, str]) -> list[Header] | None:
    """Return the headers that refuse a request, or None."""
    if event.is_too_large or sum(not name.startswith(":") for name, _ in event.headers) > _MOST_HEADERS:
        return [(":status", "431"), ("content-length", "0")]
    if fields[":method"] != "POST" or fields[":path"].count("/") != 2:
        return [(":status", "404"), ("content-type", CONTENT_TYPE), ("content-length", "0")]
    content_type = fields.get("content-type")
    if content_type is None:
        return _unsupported("Content-Type is missing from the request.")
    lowered = content_type.lower()
    if lowered != CONTENT_TYPE and not lowered.startswith((f"{CONTENT_TYPE}+", f"{CONTENT_TYPE};")):
        return _unsupported(f"Content-Type '{content_type}' is not supported.", lowered)
    return None


def _unsupported(reason: str, content_type: str = "") -> list[Header]:
    """Return the refusal of a request. As that of a real server, it has a content type only for a similar one."""
    headers = trailers_only(CallStatus(StatusCode.INTERNAL, reason), "415")
    return [field for field in headers if field[0] != "content-type" or content_type.startswith(CONTENT_TYPE)]


def _status(fault: MessageFault) -> CallStatus:
    if fault.is_damage:  # Real servers send this text alone.
        return HANDLER_FAILED
    supported = (("grpc-accept-encoding", ",".join(ENCODINGS)),) if fault.code is StatusCode.UNIMPLEMENTED else ()
    return CallStatus(fault.code, fault.reason, supported)
