from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.store.checksum import Mismatch, event_checksum, first_place, row_checksum, verify

EVENTS = st.lists(st.tuples(st.binary(), st.binary()), min_size=1)


def of(events: list[tuple[bytes, bytes]], start: int) -> list[int]:
    return [event_checksum(start + number, *event) for number, event in enumerate(events)]


@given(events=EVENTS, start=st.integers(0, 2**63))
def test_a_page_is_verified_like_its_events(events: list[tuple[bytes, bytes]], start: int) -> None:
    verify(list(zip(*events, strict=True)), range(start, start + len(events)), of(events, start))


@given(events=EVENTS, start=st.integers(0, 2**63), data=st.data())
def test_a_changed_bit_is_found_in_its_event(
    events: list[tuple[bytes, bytes]], start: int, data: st.DataObject
) -> None:
    checksums = of(events, start)
    at = data.draw(st.sampled_from(range(len(events))))
    column = data.draw(st.sampled_from([0, 1]))
    content = bytearray(events[at][column] or b"\x00")
    content[data.draw(st.sampled_from(range(len(content))))] ^= 1 << data.draw(st.integers(0, 7))
    data_and_metadata = list(events[at])
    data_and_metadata[column] = bytes(content)
    events[at] = (data_and_metadata[0], data_and_metadata[1])
    with pytest.raises(Mismatch) as caught:
        verify(list(zip(*events, strict=True)), range(start, start + len(events)), checksums)
    assert caught.value.places == [start + at]


def test_an_event_in_the_place_of_another_is_found() -> None:
    [first, second] = of([(b"a", b"b")] * 2, first_place(7))
    with pytest.raises(Mismatch):
        verify(([b"a", b"a"], [b"b", b"b"]), [first_place(7), first_place(7) + 1], [second, first])
    assert first_place(7) != first_place(8)


@pytest.mark.parametrize("value", [None, 5, "text"])
def test_a_value_of_the_wrong_type_is_found(value: Any) -> None:
    checksums = of([(b"a", b"b")] * 3, 0)
    with pytest.raises(Mismatch) as caught:
        verify(([b"a"] * 3, [b"b", value, b"b"]), range(3), checksums)
    assert caught.value.places == [1]
    assert row_checksum((1, value)) != row_checksum((1, 2)) or value == 2


def test_rows_differ_by_each_of_their_values() -> None:
    rows = [((1, 2), ("n", None)), ((12,), ("n", None)), ((1, 2), ("n", b"")), ((1, 2), ("", "n")), ((1, 2), ("n",))]
    assert len({row_checksum(numbers, *values) for numbers, values in rows}) == len(rows)
