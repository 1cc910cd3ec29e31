"""A blocking socket that makes gRPC calls with the HTTP/2 state machine of rxpump, for `grpc_floor`."""

from __future__ import annotations

import base64
import socket
import time
from typing import Final

from benchmarks.contestants.job import Job
from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.http2_events import ConnectionEnded, DataReceived, StreamReset, TrailersReceived
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.headers import request_headers
from rxpump.grpc.protocol.message_reader import MessageReader, frame_message

_RECEIVE_BYTES: Final = 256 * 1024
_WINDOW: Final = 16 * 1024 * 1024


class GrpcSocket:
    """A connection without TLS. One call runs at a time."""

    def __init__(self, job: Job) -> None:
        self._socket = socket.create_connection((job.host, job.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._authority = f"{job.host}:{job.port}"
        self._metadata: list[tuple[str, str | bytes]] = []
        if job.login is not None:
            login = base64.b64encode(f"{job.login}:{job.password}".encode()).decode()
            self._metadata.append(("authorization", f"Basic {login}"))
        limits = Http2Limits(stream_window=_WINDOW, connection_window=_WINDOW, keepalive_interval=None)
        self._machine = Http2Connection(Role.CLIENT, limits, time.monotonic())
        self._stream = 0
        self._has_ended = False
        self._reader = MessageReader(_WINDOW, None)
        self._send()

    def call(self, method: Method) -> None:
        """Open a call. The previous call must have ended."""
        headers = request_headers("http", self._authority, method.path, None, self._metadata)
        self._stream = self._machine.open_stream(headers)
        self._reader = MessageReader(_WINDOW, None)
        self._has_ended = False

    def send(self, message: bytes) -> None:
        """Send a message of the call."""
        self._machine.send_data(self._stream, frame_message(message))
        self._send()

    def end(self) -> None:
        """Send no more messages."""
        self._machine.end_stream(self._stream)
        self._send()

    def cancel(self) -> None:
        """Cancel the call, so that the server sends no more messages."""
        self._machine.reset(self._stream, ErrorCode.CANCEL)
        self._send()

    def receive(self) -> list[bytes]:
        """Wait for messages of the call; return none at its end.

        Raises:
            ConnectionError: The call or the connection has failed.
        """
        messages: list[bytes] = []
        while not messages and not self._has_ended:
            data = self._socket.recv(_RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the server closed the connection")
            for event in self._machine.receive(data, time.monotonic()):
                if getattr(event, "stream_id", self._stream) != self._stream:
                    continue  # The event belongs to an earlier call.
                match event:
                    case DataReceived():
                        messages += self._reader.feed(event.data)
                        self._machine.acknowledge(event.stream_id, event.flow_bytes)
                    case TrailersReceived() if dict(event.headers).get("grpc-status") == "0":
                        self._has_ended = True
                    case StreamReset(code=ErrorCode.NO_ERROR) if self._has_ended:
                        pass
                    case TrailersReceived() | StreamReset() | ConnectionEnded():
                        raise ConnectionError(f"the call failed: {event}")
            self._send()
        return messages

    def _send(self) -> None:
        while data := self._machine.bytes_to_send():
            self._socket.sendall(data)

    def __enter__(self) -> GrpcSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
