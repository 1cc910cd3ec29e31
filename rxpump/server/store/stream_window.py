"""Which events a page of a stream is made of, and where the next page begins (docs/protocol/tcp.md, section 4.6).

`last` is the number of the stream's last event, `first_kept` the first that truncation leaves
(0 without any). A page may end before its window does, where its events are large; the page then
goes on as if fewer events had been asked for.
"""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """The numbers to look for, both ends included; none at all where `low` is over `high`."""

    low: int
    high: int


class Continuation(NamedTuple):
    """What a page says about the one after it."""

    next_event_number: int
    is_end_of_stream: bool


_NO_MORE = Continuation(-1, True)


def forward(from_number: int, count: int, last: int, first_kept: int = 0) -> Window:
    """The events of a page read forward, from 0 <= `from_number` on."""
    return Window(max(from_number, first_kept), min(from_number + count - 1, last))


def after_forward(
    from_number: int, count: int, found: int | None, cut: bool, last: int, first_kept: int = 0
) -> Continuation:
    """Where to go on after a page read forward.

    `found` is the number of the last event on the page, None where there is none; `cut` says that the
    page was ended by its size.
    """
    end = found if cut and found is not None else from_number + count - 1
    if end < first_kept:
        return Continuation(first_kept, False)
    return Continuation(min(end, last) + 1 if found is None else found + 1, end >= last)


def backward(from_number: int, count: int, last: int, first_kept: int = 0) -> Window:
    """The events of a page read backward, from `from_number` down; -1 is the end of the stream."""
    end = last if from_number == -1 else from_number
    return Window(max(end - count + 1, first_kept), min(end, last))


def after_backward(
    from_number: int, count: int, found: int | None, cut: bool, last: int, first_kept: int = 0
) -> Continuation:
    """Where to go on after a page read backward; `found` is the lowest number on it, as in after_forward."""
    end = last if from_number == -1 else from_number
    start = found if cut and found is not None else max(0, end - count + 1)
    if end < first_kept or start <= first_kept or (start <= last and found != start):
        return _NO_MORE
    return Continuation(min(start - 1, last), False)
