"""Header blocks can be read by the decoder of hpack for all changes of the size of the dynamic table."""

from __future__ import annotations

from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from rxpump.grpc.http2.header_encoder import HeaderEncoder

HEADERS = [
    (("a", "1"), ("b", "2")),
    (("a", "1"), ("b", "2"), ("c", "3" * 90)),
    ((":status", "200"), ("c", "3" * 90)),
    ((":status", "200"),),
    (("d", "x" * 5000),),
]
SIZES = st.sampled_from([0, 40, 100, 200, 4096, 65_536])


@given(st.lists(SIZES | st.sampled_from(HEADERS), max_size=30))
def test_headers_are_decoded_after_any_change_of_the_table(steps: list[int | tuple[tuple[str, str], ...]]) -> None:
    encoder, decoder = HeaderEncoder(), Decoder()
    for step in steps:
        if isinstance(step, int):
            encoder.set_table_size(step)
            decoder.max_allowed_table_size = step
        else:
            decoded = decoder.decode(encoder.encode(step))
            assert [(str(name), str(value)) for name, value in decoded] == list(step)


def test_a_header_list_that_repeats_is_encoded_once() -> None:
    encoder = HeaderEncoder()
    first = encoder.encode(HEADERS[0])
    second = encoder.encode(HEADERS[0])
    assert second != first  # The first block has filled the dynamic table.
    assert encoder.encode(HEADERS[0]) is second
    encoder.encode(HEADERS[1])
    assert encoder.encode(HEADERS[0]) != second  # The indexes of older fields have changed.
