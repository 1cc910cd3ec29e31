"""The response of one call, as a client reads it."""

from __future__ import annotations

from rxpump.grpc.http2.http2_events import (
    ConnectionEnded,
    DataReceived,
    Header,
    HeadersReceived,
    Http2Event,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.protocol.call_metadata import Metadata, decode_metadata
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode, status_of_headers, status_of_reset
from rxpump.grpc.protocol.headers import CONTENT_TYPE
from rxpump.grpc.protocol.message_reader import MessageFault, MessageReader


class ResponseReader:
    """Reader of the events of one stream of a client.

    The call has ended once `status` is set. If the stream is still open then, the caller resets it.

    Args:
        max_message_bytes: Size of the largest message that is accepted.

    Attributes:
        metadata: Names and values that the server sent before the messages.
        status: CallStatus of the call, or None while it runs.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self.metadata: Metadata = ()
        self.status: CallStatus | None = None
        self._max_message_bytes = max_message_bytes
        self._messages = MessageReader(max_message_bytes, None)
        self._http_status = ""
        self._headers: tuple[Header, ...] = ()

    @property
    def incomplete_bytes(self) -> int:
        """Bytes that have arrived of a message that is not complete."""
        return self._messages.held_bytes

    def receive(self, event: Http2Event) -> list[bytes]:
        """Apply an event of the stream, or the end of the connection.

        Returns:
            The messages that are complete now.
        """
        if self.status is not None:
            return []
        match event:
            case DataReceived():
                messages = self._messages.feed(event.data)
                if self._messages.failure is not None:
                    self.status = _status_of(self._messages.failure)
                elif event.is_end:
                    self.status = self._status_without_trailers()
                return messages
            case HeadersReceived():
                self._on_headers(event)
            case TrailersReceived():
                self._on_trailers(event)
            case StreamReset():
                self.status = status_of_reset(event)
            case ConnectionEnded():
                reason = f"the connection ended: {event.reason}"
                self.status = CallStatus(StatusCode.UNAVAILABLE, reason, is_interrupted=True)
        return []

    def _on_headers(self, event: HeadersReceived) -> None:
        self._headers = event.headers
        fields = dict(event.headers)
        self._http_status = fields[":status"]
        content_type = fields.get("content-type", "")
        if event.is_end or self._http_status != "200":
            self.status = status_of_headers(event.headers, self._http_status)
        elif not content_type.lower().startswith(CONTENT_TYPE):
            self.status = CallStatus(StatusCode.UNKNOWN, f"the response has the content-type {content_type!r:.100}")
        self.metadata = decode_metadata(event.headers)
        self._messages = MessageReader(self._max_message_bytes, fields.get("grpc-encoding", "identity").lower())

    def _status_without_trailers(self) -> CallStatus:
        """Return the status of a response that ended with DATA. Some proxies send the status in its first headers."""
        if not any(name == "grpc-status" for name, _ in self._headers):
            return CallStatus(StatusCode.INTERNAL, "the response ended without trailers", is_interrupted=True)
        return status_of_headers(self._headers, self._http_status)

    def _on_trailers(self, event: TrailersReceived) -> None:
        self._messages.finish()
        self.status = status_of_headers(event.headers, self._http_status)
        failure = self._messages.failure
        if self.status.code is StatusCode.OK and failure is not None:
            self.status = _status_of(failure)

    def __repr__(self) -> str:
        state = "running" if self.status is None else self.status.code.name
        return f"<ResponseReader {state}, {self._messages.held_bytes} bytes held>"


def _status_of(failure: MessageFault) -> CallStatus:
    return CallStatus(failure.code, failure.reason)
