"""The examples of docs/protocol/tcp.md, section 4.6, which a real server returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.store.stream_window import after_backward, after_forward, backward, forward

NOTHING: list[int] = []


def read_forward(
    start: int, count: int, *, last: int = 9, first_kept: int = 0, room: int | None = None
) -> tuple[Any, ...]:
    """Return the numbers of a page of at most `room` events, the next number, and whether it is the last page."""
    low, high = forward(start, count, last=last, first_kept=first_kept)
    events = list(range(low, high + 1))
    page = events[:room]
    after = after_forward(
        start, count, page[-1] if page else None, cut=page != events, last=last, first_kept=first_kept
    )
    return page, *after


def read_backward(
    start: int, count: int, *, last: int = 9, first_kept: int = 0, room: int | None = None
) -> tuple[Any, ...]:
    low, high = backward(start, count, last=last, first_kept=first_kept)
    events = list(range(high, low - 1, -1))
    page = events[:room]
    after = after_backward(
        start, count, page[-1] if page else None, cut=page != events, last=last, first_kept=first_kept
    )
    return page, *after


@pytest.mark.parametrize(
    ("start", "count", "first_kept", "events", "then", "is_end"),
    [
        (0, 4, 0, [0, 1, 2, 3], 4, False),
        (6, 4, 0, [6, 7, 8, 9], 10, True),
        (0, 10, 0, list(range(10)), 10, True),
        (10, 5, 0, NOTHING, 10, True),
        (100, 5, 0, NOTHING, 10, True),
        (2**63 - 1, 5, 0, NOTHING, 10, True),  # The number overflows in a real server.
        (0, 4, 7, NOTHING, 7, False),
        (0, 7, 7, NOTHING, 7, False),
        (0, 8, 7, [7], 8, False),
        (0, 4, 4, NOTHING, 4, False),
        (0, 4, 10, NOTHING, 10, False),
        (0, 20, 10, NOTHING, 10, True),
        (0, 20, 50, NOTHING, 50, False),
        (50, 20, 50, NOTHING, 10, True),
    ],
)
def test_forward_reads_return_the_expected_window(
    start: int, count: int, first_kept: int, events: list[int], then: int, is_end: bool
) -> None:
    assert read_forward(start, count, first_kept=first_kept) == (events, then, is_end)


@pytest.mark.parametrize(
    ("start", "count", "first_kept", "events", "then", "is_end"),
    [
        (-1, 4, 0, [9, 8, 7, 6], 5, False),
        (3, 4, 0, [3, 2, 1, 0], -1, True),
        (9, 9, 0, [9, 8, 7, 6, 5, 4, 3, 2, 1], 0, False),
        (12, 5, 0, [9, 8], 7, False),
        (20, 5, 0, NOTHING, 9, False),
        (-1, 2, 7, [9, 8], 7, False),
        (-1, 3, 7, [9, 8, 7], -1, True),
        (6, 2, 7, NOTHING, -1, True),
    ],
)
def test_backward_reads_return_the_expected_window(
    start: int, count: int, first_kept: int, events: list[int], then: int, is_end: bool
) -> None:
    assert read_backward(start, count, first_kept=first_kept) == (events, then, is_end)


@given(
    last=st.integers(0, 30),
    count=st.integers(1, 12),
    room=st.none() | st.integers(1, 4),
    first_kept=st.integers(0, 35),
    read=st.sampled_from([(read_forward, 0), (read_backward, -1)]),
)
def test_pages_cover_every_event_once(
    last: int, count: int, room: int | None, first_kept: int, read: tuple[Callable[..., Any], int]
) -> None:
    read_page, position = read
    met, is_end = [], False
    while not is_end:
        page, position, is_end = read_page(position, count, last=last, first_kept=first_kept, room=room)
        met += page
    assert sorted(met) == list(range(first_kept, last + 1))
    assert met == sorted(met, reverse=read_page is read_backward)
