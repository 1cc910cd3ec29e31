"""Header lists of calls, in the order in which real clients and servers send them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rxpump.grpc.http2.http2_events import Header
from rxpump.grpc.protocol.call_metadata import encode_message, encode_metadata
from rxpump.grpc.protocol.call_status import CallStatus
from rxpump.grpc.protocol.timeouts import format_timeout

CONTENT_TYPE: Final = "application/grpc"

Pairs = Iterable[tuple[str, str | bytes]]
"""Names and values of metadata."""


def request_headers(
    scheme: str, authority: str, path: str, timeout: float | None = None, metadata: Pairs = ()
) -> list[Header]:
    """Return the headers of a request.

    No compression is offered, so that a server sends plain messages.

    Args:
        scheme: "http", or "https" if the connection uses TLS.
        authority: Host and port.
        path: "/package.Service/Method".
        timeout: Seconds until the server ends the call, or None for no limit.
        metadata: Names and values to add.

    Raises:
        InvalidArgument: The timeout or the metadata cannot be sent.
    """
    headers = [(":method", "POST"), (":scheme", scheme), (":path", path), (":authority", authority)]
    headers += [("te", "trailers"), ("content-type", CONTENT_TYPE), ("grpc-accept-encoding", "identity")]
    if timeout is not None:
        headers.append(("grpc-timeout", format_timeout(timeout)))
    return headers + encode_metadata(metadata)


def response_headers(metadata: Pairs = ()) -> list[Header]:
    """Return the headers of a response that has messages.

    Raises:
        InvalidArgument: The metadata cannot be sent.
    """
    return [(":status", "200"), ("content-type", CONTENT_TYPE), *encode_metadata(metadata)]


def trailers(status: CallStatus) -> list[Header]:
    """Return the trailers of a response that has messages."""
    message = [("grpc-message", encode_message(status.message))] if status.message else []
    return [*message, ("grpc-status", str(status.code.value)), *encode_metadata(status.metadata)]


def trailers_only(status: CallStatus, http_status: str = "200") -> list[Header]:
    """Return the headers of a response without messages, which are its only headers and have its status."""
    message = [("grpc-message", encode_message(status.message))] if status.message else []
    return [
        (":status", http_status),
        ("content-type", CONTENT_TYPE),
        ("content-length", "0"),
        *encode_metadata(status.metadata),
        ("grpc-status", str(status.code.value)),
        *message,
    ]
