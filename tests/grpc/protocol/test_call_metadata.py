"""Metadata as header fields: names, text values, binary values, and status messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.errors import InvalidArgument
from rxpump.grpc.http2.header_rules import check_trailers
from rxpump.grpc.protocol.call_metadata import (
    decode_binary,
    decode_message,
    decode_metadata,
    encode_binary,
    encode_message,
    encode_metadata,
)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", ""),
        ("plain text, literally!", "plain text, literally!"),
        ("100 %", "100 %25"),
        ("line\nfeed\r", "line%0Afeed%0D"),
        ("né", "n%C3%A9"),
        (" ends ", "%20ends%20"),
        (" ", "%20"),
        ("  ", "%20%20"),
        ("\t", "%09"),
        ("\x7f~", "%7F~"),
    ],
)
def test_messages_are_percent_encoded(text: str, encoded: str) -> None:
    assert encode_message(text) == encoded
    assert decode_message(encoded) == text


@pytest.mark.parametrize(
    ("value", "text"), [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%ff", "�"), ("%41%", "A%"), ("né", "né")]
)
def test_malformed_messages_are_kept(value: str, text: str) -> None:
    assert decode_message(value) == text


@given(st.text())
def test_any_message_is_a_valid_header_value(text: str) -> None:
    encoded = encode_message(text)
    check_trailers([("grpc-message", encoded)])
    assert encoded.isascii()
    assert encoded == encoded.strip()
    assert decode_message(encoded) == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("value", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_bytes_are_base64_with_or_without_padding(value: bytes) -> None:
    encoded = encode_binary(value)
    assert "=" not in encoded
    assert decode_binary(encoded) == value
    assert decode_binary(encoded + "=" * (-len(encoded) % 4)) == value


@pytest.mark.parametrize("text", ["a", "ab!c", "né", "abcde"])
def test_text_that_is_not_base64_is_decoded_to_none(text: str) -> None:
    assert decode_binary(text) is None


def test_metadata_goes_both_ways() -> None:
    metadata = (("requires-leader", "true"), ("trace-bin", b"\0\xff"), ("a.b_c-1", "x y"), ("empty", ""))
    fields = encode_metadata(metadata)
    assert fields[1] == ("trace-bin", "AP8")
    assert decode_metadata(fields) == metadata


def test_the_protocols_own_fields_are_no_metadata() -> None:
    fields = [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", "13"),
        ("grpc-message", "x"),
        ("grpc-encoding", "gzip"),
        ("te", "trailers"),
        ("user-agent", "x"),
        ("exception", "not-leader"),
        ("grpc-status-details-bin", "AP8="),
        ("grpc-retry-pushback-ms", "-1"),
    ]
    assert decode_metadata(fields) == (
        ("exception", "not-leader"),
        ("grpc-status-details-bin", b"\0\xff"),
        ("grpc-retry-pushback-ms", "-1"),
    )


def test_a_binary_field_can_hold_several_values() -> None:
    assert decode_metadata([("x-bin", "YQ==,Yg, bad!")]) == (("x-bin", b"a"), ("x-bin", b"b"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Upper", "x", "the name of metadata is 'Upper'; allowed is lower-case letters"),
        ("", "x", "the name of metadata is ''"),
        ("a b", "x", "the name of metadata"),
        ("grpc-timeout", "1S", "the name of metadata is 'grpc-timeout'"),
        (":path", "/", "the name of metadata"),
        ("te", "x", "the name of metadata"),
        ("x", "né", "x is 'né'; allowed is printable ASCII text"),
        ("x", "a\nb", "x is"),
        ("x", " a", "without spaces at the ends"),
        ("x", "a ", "without spaces at the ends"),
        ("x", b"bytes", "x is b'bytes'; allowed is printable ASCII text"),
        ("x-bin", "text", "x-bin is 'text'; allowed is bytes"),
    ],
)
def test_metadata_that_cannot_be_sent_is_refused(name: str, value: str | bytes, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        encode_metadata([(name, value)])
