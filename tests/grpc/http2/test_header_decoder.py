"""Header blocks that repeat: a cached result must equal the result of decoding the block again."""

from __future__ import annotations

from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.http2.header_decoder import HeaderDecoder
from rxpump.grpc.http2.http2_events import Header


def decode(decoder: HeaderDecoder, block: bytes) -> tuple[Header, ...]:
    decoder.begin(1, 0)
    decoder.add(block)
    return decoder.decode()


def test_a_block_that_adds_to_the_table_is_decoded_each_time() -> None:
    decoder = HeaderDecoder(Http2Limits())
    adds = b"\x40\x01a\x01b"
    assert decode(decoder, adds) == decode(decoder, adds) == (("a", "b"),)
    assert decode(decoder, b"\xbe\xbf") == (("a", "b"), ("a", "b"))  # The field is in the dynamic table twice.


def test_a_block_of_indexes_means_other_fields_once_the_table_changes() -> None:
    decoder = HeaderDecoder(Http2Limits())
    decode(decoder, b"\x40\x01a\x01b")
    assert decode(decoder, b"\xbe") == (("a", "b"),)
    assert decode(decoder, b"\xbe") is decode(decoder, b"\xbe")
    decode(decoder, b"\x40\x01c\x01d")
    assert decode(decoder, b"\xbe") == (("c", "d"),)


LISTS = st.lists(st.sampled_from([("a", "1"), ("b", "2"), ("c", "x" * 3000), (":status", "200")]), max_size=4)


@given(st.lists(LISTS, max_size=20), st.sampled_from([0, 60, 4096]), st.booleans())
def test_any_lists_are_decoded(lists: list[list[Header]], table_size: int, huffman: bool) -> None:
    encoder, decoder = Encoder(), HeaderDecoder(Http2Limits())
    encoder.header_table_size = table_size
    for headers in lists:
        assert decode(decoder, encoder.encode(headers, huffman=huffman)) == tuple(headers)


def test_the_repr_shows_the_state() -> None:
    decoder = HeaderDecoder(Http2Limits())
    assert repr(decoder) == "<HeaderDecoder holding no block>"
    decoder.begin(7, 0)
    decoder.add(b"abc")
    assert repr(decoder) == "<HeaderDecoder holding 3 bytes of stream 7>"
