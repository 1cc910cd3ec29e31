"""Ends of calls without a gRPC status, as of servers that fail and of proxies. Each is a function of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rxpump.grpc.http2 import ErrorCode
from tests.grpc.harness import ServerCall

Interruption = Callable[[ServerCall], None]


def resets_with(code: ErrorCode | int) -> Interruption:
    """Return a function that resets the stream of a call."""

    def reset(call: ServerCall) -> None:
        call.endpoint.connection.reset(call.stream_id, ErrorCode(code))
        call.endpoint.flush()

    return reset


def answers(status: str, content_type: str = "text/html") -> Interruption:
    """Return a function that ends a call by response headers without a gRPC status."""

    def answer(call: ServerCall) -> None:
        headers = [(":status", status), ("content-type", content_type), ("server", "a proxy")]
        call.endpoint.connection.send_trailers(call.stream_id, headers)
        call.endpoint.flush()

    return answer


def end_without_trailers(call: ServerCall) -> None:
    call.endpoint.connection.end_stream(call.stream_id)
    call.endpoint.flush()


def end_amid_a_message(call: ServerCall) -> None:
    call.endpoint.connection.send_data(call.stream_id, b"\0\0\0\0\x09abc")
    end_without_trailers(call)


def end_without_status(call: ServerCall) -> None:
    call.endpoint.connection.send_trailers(call.stream_id, [("x-proxy", "timeout")])
    call.endpoint.flush()


BEFORE_HEADERS: Final[dict[str, Interruption]] = {
    **{f"reset {code.name}": resets_with(code) for code in ErrorCode if code is not ErrorCode.REFUSED_STREAM},
    **{f"HTTP {status}": answers(status) for status in ("429", "502", "503", "504")},
    "HTTP 200": answers("200", "application/grpc"),
}
"""Ends of a call that has no response headers yet."""

AFTER_HEADERS: Final[dict[str, Interruption]] = {
    **{f"reset {code.name}": resets_with(code) for code in ErrorCode if code is not ErrorCode.REFUSED_STREAM},
    "end": end_without_trailers,
    "end in a message": end_amid_a_message,
    "trailers": end_without_status,
}
"""Ends of a call that has response headers."""
