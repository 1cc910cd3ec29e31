"""One stream: its state, its windows, and the data that is pending on it.

States of RFC 9113, section 5.1, without those of server push, which is switched off:

                  SEND_END ──▶ HALF_CLOSED_LOCAL ──RECEIVE_END──┐
           OPEN ──┤                                             ├──▶ CLOSED
                  RECEIVE_END ─▶ HALF_CLOSED_REMOTE ──SEND_END──┘
           RESET leads from every state to CLOSED.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final

from rxpump.grpc.http2.error_codes import ErrorCode, StreamFault
from rxpump.grpc.http2.http2_events import Header


class Http2StreamState(Enum):
    """State of a stream at this endpoint."""

    OPEN = "open"
    HALF_CLOSED_LOCAL = "half closed (local)"
    HALF_CLOSED_REMOTE = "half closed (remote)"
    CLOSED = "closed"


class Action(Enum):
    """Action that changes the state of a stream."""

    SEND_END = "send END_STREAM"
    RECEIVE_END = "receive END_STREAM"
    RESET = "reset"


TRANSITIONS: Final = {
    (Http2StreamState.OPEN, Action.SEND_END): Http2StreamState.HALF_CLOSED_LOCAL,
    (Http2StreamState.OPEN, Action.RECEIVE_END): Http2StreamState.HALF_CLOSED_REMOTE,
    (Http2StreamState.HALF_CLOSED_LOCAL, Action.RECEIVE_END): Http2StreamState.CLOSED,
    (Http2StreamState.HALF_CLOSED_REMOTE, Action.SEND_END): Http2StreamState.CLOSED,
    **{(state, Action.RESET): Http2StreamState.CLOSED for state in Http2StreamState},
}
RECEIVING: Final = (Http2StreamState.OPEN, Http2StreamState.HALF_CLOSED_LOCAL)
"""States in which the peer can send headers and data."""

SENDING: Final = (Http2StreamState.OPEN, Http2StreamState.HALF_CLOSED_REMOTE)
"""States in which this endpoint can send headers and data."""

_WITHOUT_BODY: Final = frozenset({"204", "304"})
"""Statuses of responses whose content-length does not describe a body (RFC 9113, section 8.1.1)."""

_MAX_LENGTH_DIGITS: Final = 18


class Http2Stream:
    """One stream.

    Attributes:
        id: Number of the stream.
        state: State of the stream.
        send_window: Bytes that can be sent now. A change of the peer's settings can make it negative.
        receive_window: Bytes that the peer can send now.
        unannounced: Bytes that the consumer acknowledged and that no WINDOW_UPDATE frame has announced yet.
        has_received_headers: Whether the headers of the request or the final response have arrived.
        has_sent_headers: Whether the headers of the request or the response were queued.
        pending: Data that waits for a window, in order.
        pending_bytes: Number of bytes of `pending`.
        trailers: Headers to send after `pending`, or None.
        ends_after_pending: Whether this endpoint ends the stream once `pending` is sent.
        is_queued: Whether the stream is in the sender's queue.
    """

    __slots__ = (
        "_expected_bytes",
        "_is_head",
        "ends_after_pending",
        "has_received_headers",
        "has_sent_headers",
        "id",
        "is_queued",
        "pending",
        "pending_bytes",
        "receive_window",
        "send_window",
        "state",
        "trailers",
        "unannounced",
    )

    def __init__(self, id: int, send_window: int, receive_window: int) -> None:
        self.id: int = id
        self.state: Http2StreamState = Http2StreamState.OPEN
        self.send_window: int = send_window
        self.receive_window: int = receive_window
        self.unannounced: int = 0
        self.has_received_headers: bool = False
        self.has_sent_headers: bool = False
        self.pending: deque[bytes | memoryview] = deque()
        self.pending_bytes: int = 0
        self.trailers: Sequence[Header] | None = None
        self.ends_after_pending: bool = False
        self.is_queued: bool = False
        self._is_head = False
        self._expected_bytes: int | None = None

    @property
    def can_send_now(self) -> bool:
        """Whether the stream has something to send that its own window allows."""
        if self.pending:
            return self.send_window > 0
        return self.ends_after_pending and self.state in SENDING

    @property
    def is_receiving(self) -> bool:
        """Whether the peer can send headers and data."""
        return self.state in RECEIVING

    def take_pending(self, size: int) -> list[bytes | memoryview]:
        """Remove the first `size` bytes of `pending`, which has at least as many, and return them in parts."""
        self.pending_bytes -= size
        if not self.pending_bytes:
            whole = [*self.pending]
            self.pending.clear()
            return whole
        parts: list[bytes | memoryview] = []
        while size:
            part = self.pending.popleft()
            if len(part) > size:
                view = memoryview(part)  # slices of bytes would copy a large message once for each frame
                self.pending.appendleft(view[size:])
                part = view[:size]
            parts.append(part)
            size -= len(part)
        return parts

    def apply(self, action: Action) -> None:
        """Change the state as an action of this endpoint or of the peer requires.

        Raises:
            KeyError: The state does not allow the action, which is a mistake of this endpoint.
        """
        self.state = TRANSITIONS[self.state, action]

    def check_receiving(self) -> None:
        """Check that the peer can send headers and data.

        Raises:
            StreamFault: The peer has ended the stream.
        """
        if self.state not in RECEIVING:
            raise StreamFault(self.id, ErrorCode.STREAM_CLOSED, f"a frame on a stream that is {self.state.value}")

    def note_request(self, headers: Sequence[Header]) -> None:
        """Record whether the request is a HEAD request, whose response has no body."""
        self._is_head = (":method", "HEAD") in headers

    def expect_length(self, headers: Sequence[Header]) -> None:
        """Store the length of the body that the peer's headers declare (RFC 9113, section 8.1.1).

        Raises:
            StreamFault: The length is not a number.
        """
        lengths = {value for name, value in headers if name == "content-length"}
        is_without_body = self._is_head or any(
            name == ":status" and value in _WITHOUT_BODY for name, value in headers
        )
        if not lengths or is_without_body:
            return
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()) or len(text) > _MAX_LENGTH_DIGITS:
            raise StreamFault(self.id, ErrorCode.PROTOCOL_ERROR, f"the content-length {text!r:.60}")
        self._expected_bytes = int(text)

    def receive_data(self, size: int, body_bytes: int, extra_window: int) -> None:
        """Take the bytes of a DATA frame from the window, and count those of the body.

        Args:
            size: Size of the payload, padding included.
            body_bytes: Number of bytes of the body in it.
            extra_window: Bytes by which the peer can exceed the window.

        Raises:
            StreamFault: The peer has ended the stream, has sent no headers, or sends more than the window allows or
                than its headers declare.
        """
        self.check_receiving()
        if not self.has_received_headers:
            raise StreamFault(self.id, ErrorCode.PROTOCOL_ERROR, "DATA before HEADERS")
        if size > self.receive_window + extra_window:
            raise StreamFault(self.id, ErrorCode.FLOW_CONTROL_ERROR, "more DATA than the window of the stream")
        self.receive_window -= size
        if self._expected_bytes is not None:
            self._expected_bytes -= body_bytes
            if self._expected_bytes < 0:
                raise StreamFault(self.id, ErrorCode.PROTOCOL_ERROR, "a body longer than its content-length")

    def receive_end(self) -> None:
        """Change the state, because the peer has ended the stream, and check the length of the body.

        Raises:
            StreamFault: The body is shorter than declared.
        """
        if self._expected_bytes:
            raise StreamFault(self.id, ErrorCode.PROTOCOL_ERROR, "a body shorter than its content-length")
        self.apply(Action.RECEIVE_END)

    def __repr__(self) -> str:
        windows = f"windows {self.send_window} to send, {self.receive_window} to receive"
        return f"<Http2Stream {self.id} {self.state.value}, {self.pending_bytes} bytes pending, {windows}>"
