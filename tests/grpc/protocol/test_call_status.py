"""The status of a call, from trailers, from responses without grpc-status, and from streams that were reset."""

from __future__ import annotations

import pytest

from rxpump.grpc.http2 import ErrorCode
from rxpump.grpc.http2.http2_events import StreamReset
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode, status_of_headers, status_of_reset


def test_the_status_is_read_from_trailers() -> None:
    fields = (("exception", "stream-deleted"), ("grpc-status", "9"), ("grpc-message", "100 %25 gone%0A"))
    assert status_of_headers(fields, "200") == CallStatus(
        StatusCode.FAILED_PRECONDITION, "100 % gone\n", (("exception", "stream-deleted"),)
    )
    assert status_of_headers((("grpc-status", "0"),), "200") == CallStatus(StatusCode.OK)


@pytest.mark.parametrize("number", [code.value for code in StatusCode])
def test_every_code_is_known(number: int) -> None:
    assert status_of_headers((("grpc-status", str(number)),), "200").code == number


@pytest.mark.parametrize("value", ["17", "-1", "", "OK", "1.0", "99999", "²", "9" * 5000])
def test_other_codes_are_unknown(value: str) -> None:
    assert status_of_headers((("grpc-status", value), ("grpc-message", "m")), "200") == CallStatus(
        StatusCode.UNKNOWN, "m"
    )


@pytest.mark.parametrize(
    ("http_status", "code"),
    [
        ("200", StatusCode.UNKNOWN),
        ("400", StatusCode.INTERNAL),
        ("401", StatusCode.UNAUTHENTICATED),
        ("403", StatusCode.PERMISSION_DENIED),
        ("404", StatusCode.UNIMPLEMENTED),
        ("418", StatusCode.UNKNOWN),
        ("429", StatusCode.UNAVAILABLE),
        ("431", StatusCode.UNKNOWN),
        ("500", StatusCode.UNKNOWN),
        ("502", StatusCode.UNAVAILABLE),
        ("503", StatusCode.UNAVAILABLE),
        ("504", StatusCode.UNAVAILABLE),
    ],
)
def test_without_grpc_status_the_http_status_counts(http_status: str, code: StatusCode) -> None:
    status = status_of_headers(((":status", http_status),), http_status)
    assert (status.code, status.message) == (code, f"HTTP status {http_status} without grpc-status")
    assert status.http_status == http_status


def test_grpc_status_counts_before_the_http_status() -> None:
    assert status_of_headers((("grpc-status", "13"),), "415").code is StatusCode.INTERNAL


RESETS = {
    ErrorCode.NO_ERROR: StatusCode.INTERNAL,
    ErrorCode.PROTOCOL_ERROR: StatusCode.INTERNAL,
    ErrorCode.INTERNAL_ERROR: StatusCode.INTERNAL,
    ErrorCode.FLOW_CONTROL_ERROR: StatusCode.INTERNAL,
    ErrorCode.SETTINGS_TIMEOUT: StatusCode.INTERNAL,
    ErrorCode.STREAM_CLOSED: StatusCode.UNKNOWN,
    ErrorCode.FRAME_SIZE_ERROR: StatusCode.INTERNAL,
    ErrorCode.REFUSED_STREAM: StatusCode.UNAVAILABLE,
    ErrorCode.CANCEL: StatusCode.CANCELLED,
    ErrorCode.COMPRESSION_ERROR: StatusCode.INTERNAL,
    ErrorCode.CONNECT_ERROR: StatusCode.INTERNAL,
    ErrorCode.ENHANCE_YOUR_CALM: StatusCode.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: StatusCode.PERMISSION_DENIED,
    ErrorCode.HTTP_1_1_REQUIRED: StatusCode.UNKNOWN,
}


@pytest.mark.parametrize("code", ErrorCode)
def test_a_reset_has_a_status(code: ErrorCode) -> None:
    status = status_of_reset(StreamReset(1, code, "why"))
    assert status == CallStatus(RESETS[code], f"the stream ended with {code.name}: why", is_interrupted=True)


def test_a_reset_with_an_unknown_code_is_unknown() -> None:
    assert status_of_reset(StreamReset(1, 77, "why")) == CallStatus(
        StatusCode.UNKNOWN, "the stream ended with error 77: why", is_interrupted=True
    )


def test_an_unprocessed_stream_can_be_repeated() -> None:
    status = status_of_reset(StreamReset(1, ErrorCode.NO_ERROR, "why", is_unprocessed=True))
    assert (status.code, status.is_unprocessed) == (StatusCode.UNAVAILABLE, True)
