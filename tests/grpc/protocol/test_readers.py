"""The readers of both sides of a call, from the headers to the status."""

from __future__ import annotations

import gzip

import pytest

from rxpump.errors import InvalidArgument
from rxpump.grpc.http2 import ErrorCode
from rxpump.grpc.http2.http2_events import (
    ConnectionEnded,
    DataReceived,
    Header,
    HeadersReceived,
    Http2Event,
    SettingsReceived,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.protocol.headers import request_headers, response_headers, trailers, trailers_only
from rxpump.grpc.protocol.message_reader import frame_message
from rxpump.grpc.protocol.request_reader import RequestReader
from rxpump.grpc.protocol.response_reader import ResponseReader

OK = (("grpc-status", "0"),)


def data(content: bytes, *, is_end: bool = False) -> DataReceived:
    return DataReceived(1, content, len(content), is_end)


def headers(*fields: Header, is_end: bool = False) -> HeadersReceived:
    return HeadersReceived(1, fields, is_end)


STARTED = headers(*response_headers([("exception", "none")]))
DONE = TrailersReceived(1, OK)


def read(*events: Http2Event) -> tuple[ResponseReader, list[bytes]]:
    reader = ResponseReader(1000)
    return reader, [message for event in events for message in reader.receive(event)]


# Responses ----------------------------------------------------------------------------------------------


def test_messages_and_metadata_of_a_response_are_read() -> None:
    reader, messages = read(STARTED, data(frame_message(b"a") + frame_message(b"bc")[:4]), data(b"\2bc"), DONE)
    assert messages == [b"a", b"bc"]
    assert reader.metadata == (("exception", "none"),)
    assert reader.status == CallStatus(StatusCode.OK)


def test_a_response_that_runs_has_no_status() -> None:
    reader, messages = read(STARTED, data(frame_message(b"a")), SettingsReceived())
    assert (messages, reader.status) == ([b"a"], None)
    assert repr(reader) == "<ResponseReader running, 0 bytes held>"


def test_a_response_of_trailers_only_has_a_status() -> None:
    status = CallStatus(StatusCode.NOT_FOUND, "Leader info available", (("exception", "not-leader"),))
    reader, _ = read(headers(*trailers_only(status), is_end=True))
    assert reader.status == status
    assert repr(reader) == "<ResponseReader NOT_FOUND, 0 bytes held>"


@pytest.mark.parametrize(("number", "code"), [("0", StatusCode.OK), (" 5 ", StatusCode.NOT_FOUND)])
def test_a_status_before_empty_data_is_read(number: str, code: StatusCode) -> None:
    """A proxy can end the stream by DATA after headers that have the status."""
    started = headers(*response_headers(), ("grpc-status", number), ("exception", "x"))
    reader, messages = read(started, data(b""), data(b"", is_end=True))
    assert (messages, reader.status) == ([], CallStatus(code, metadata=(("exception", "x"),)))


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
def test_a_compressed_response_is_read(encoding: str) -> None:
    packed = gzip.compress(b"abc")
    body = b"\1" + len(packed).to_bytes(4, "big") + packed
    reader, messages = read(headers(*response_headers(), ("grpc-encoding", encoding)), data(body), DONE)
    assert (messages, reader.status) == ([b"abc"], CallStatus(StatusCode.OK))


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([headers((":status", "404"), is_end=True)], StatusCode.UNIMPLEMENTED),
        ([headers((":status", "503"), ("content-type", "text/html"))], StatusCode.UNAVAILABLE),
        ([headers((":status", "500"), ("content-type", "application/grpc"))], StatusCode.UNKNOWN),
        ([headers((":status", "200"), ("content-type", "text/html"))], StatusCode.UNKNOWN),
        ([headers((":status", "200"))], StatusCode.UNKNOWN),
        ([STARTED, TrailersReceived(1, (("x", "y"),))], StatusCode.UNKNOWN),
        ([STARTED, data(b"", is_end=True)], StatusCode.INTERNAL),
        ([STARTED, data(b"\0\0", is_end=True)], StatusCode.INTERNAL),
        ([STARTED, data(b"\0\0"), DONE], StatusCode.INTERNAL),
        ([STARTED, data(b"\0\0"), TrailersReceived(1, (("grpc-status", "10"),))], StatusCode.ABORTED),
        ([STARTED, data(b"\0\0\0\xff\xff")], StatusCode.RESOURCE_EXHAUSTED),
        ([StreamReset(1, ErrorCode.CANCEL, "x")], StatusCode.CANCELLED),
        ([STARTED, ConnectionEnded(ErrorCode.NO_ERROR, "no bytes were received for 20 s")], StatusCode.UNAVAILABLE),
    ],
)
def test_a_failed_response_has_a_status(events: list[Http2Event], status: StatusCode) -> None:
    reader, _ = read(*events)
    assert reader.status is not None
    assert reader.status.code is status
    assert reader.status.message or status is StatusCode.ABORTED


def test_later_frames_do_not_change_the_status() -> None:
    reader, messages = read(STARTED, DONE, StreamReset(1, ErrorCode.NO_ERROR, "x"), data(frame_message(b"late")))
    assert (messages, reader.status) == ([], CallStatus(StatusCode.OK))


# Requests -----------------------------------------------------------------------------------------------


REQUEST = request_headers("http", "node:2113", "/s/m", 5.0, [("requires-leader", "true")])


def requested(*extra: Header, left_out: str = "", is_end: bool = False, is_too_large: bool = False) -> RequestReader:
    fields = [*REQUEST, *extra]
    kept = tuple(pair for pair in fields if pair[0] != left_out)
    return RequestReader(HeadersReceived(1, kept, is_end, is_too_large), 1000)


def test_messages_and_metadata_of_a_request_are_read() -> None:
    reader = requested()
    assert (reader.path, reader.timeout, reader.refusal) == ("/s/m", 5.0, None)
    assert reader.metadata == (("grpc-accept-encoding", "identity"), ("requires-leader", "true"))
    assert reader.receive(data(frame_message(b"a") + b"\0\0")) == [b"a"]
    assert not reader.is_complete
    assert reader.receive(data(b"\0\0\1b", is_end=True)) == [b"b"]
    assert (reader.is_complete, reader.failure) == (True, None)
    assert repr(reader) == "<RequestReader /s/m complete, 0 bytes held>"


def test_a_request_can_end_with_trailers_or_headers() -> None:
    reader = requested()
    reader.receive(data(b"\0"))
    reader.end()
    assert reader.failure == CallStatus(StatusCode.INTERNAL, "Incomplete message.")
    assert requested(is_end=True).is_complete


@pytest.mark.parametrize(
    "content_type",
    ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8", "APPLICATION/GRPC"],
)
def test_content_types_of_grpc_are_accepted(content_type: str) -> None:
    assert requested(("content-type", content_type), left_out="x").refusal is None


@pytest.mark.parametrize("content_type", ["application/grpc-web", "application/json", "text/plain", ""])
def test_other_content_types_are_refused(content_type: str) -> None:
    refusal = dict(requested(("content-type", content_type)).refusal or ())
    assert (refusal[":status"], refusal["grpc-status"]) == ("415", "13")
    assert refusal["grpc-message"] == f"Content-Type '{content_type}' is not supported."
    assert refusal.get("content-type") == ("application/grpc" if "grpc" in content_type else None)


def test_invalid_requests_are_refused_with_an_http_status() -> None:
    missing = dict(requested(left_out="content-type").refusal or ())
    assert missing["grpc-message"] == "Content-Type is missing from the request."
    assert "content-type" not in missing
    assert dict(requested(is_too_large=True).refusal or ())[":status"] == "431"


@pytest.mark.parametrize("header", [(":method", "GET"), (":path", "/"), (":path", "/Read"), (":path", "/a/b/c")])
def test_requests_that_are_no_calls_are_not_found(header: Header) -> None:
    assert requested(header).refusal == [
        (":status", "404"),
        ("content-type", "application/grpc"),
        ("content-length", "0"),
    ]


def test_a_request_has_at_most_100_headers() -> None:
    present = sum(not name.startswith(":") for name, _ in REQUEST)
    more = [(f"x-{number}", "v") for number in range(100 - present)]
    assert requested(*more).refusal is None
    assert dict(requested(*more, ("x", "v")).refusal or ())[":status"] == "431"


def test_an_encoding_that_is_not_supported_fails_with_those_that_are() -> None:
    reader = requested(("grpc-encoding", "snappy"))
    assert reader.refusal is None
    reader.receive(data(b"\1\0\0\0\1x"))
    assert reader.failure is not None
    assert reader.failure.code is StatusCode.UNIMPLEMENTED
    assert ("grpc-accept-encoding", "identity,gzip") in trailers(reader.failure)


# Header lists -------------------------------------------------------------------------------------------


def test_a_request_offers_no_compression_and_has_its_order() -> None:
    assert request_headers("https", "node:2113", "/s/m", metadata=[("authorization", "Basic x")]) == [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/s/m"),
        (":authority", "node:2113"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("grpc-accept-encoding", "identity"),
        ("authorization", "Basic x"),
    ]


def test_trailers_have_the_order_of_real_servers() -> None:
    status = CallStatus(StatusCode.ABORTED, "né", (("exception", "x"),))
    assert trailers(status) == [("grpc-message", "n%C3%A9"), ("grpc-status", "10"), ("exception", "x")]
    assert trailers(CallStatus(StatusCode.OK)) == [("grpc-status", "0")]
    assert trailers_only(status) == [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("content-length", "0"),
        ("exception", "x"),
        ("grpc-status", "10"),
        ("grpc-message", "n%C3%A9"),
    ]


def test_metadata_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        request_headers("http", "x", "/", metadata=[("grpc-timeout", "1S")])
    with pytest.raises(InvalidArgument):
        response_headers([("X", "y")])
