"""The events of a page of a stream, and the start of the next page (docs/protocol/tcp.md, section 4.6).

In these functions `last` is the number of the stream's last event and `first_kept` its lowest visible number. A page
of large events can end before its window does. The next page then starts as if fewer events had been requested.
"""

from __future__ import annotations

from typing import NamedTuple


class Window(NamedTuple):
    """The numbers of the requested events, from `low` to `high`; there are none if `low` is higher."""

    low: int
    high: int


class Continuation(NamedTuple):
    """The fields of a page that describe the next page."""

    next_event_number: int
    is_end_of_stream: bool


_NO_MORE = Continuation(-1, True)


def forward(from_number: int, count: int, last: int, first_kept: int = 0) -> Window:
    """Return the window of a page that is read forward from `from_number`, at least 0."""
    return Window(max(from_number, first_kept), min(from_number + count - 1, last))


def after_forward(
    from_number: int, count: int, found: int | None, cut: bool, last: int, first_kept: int = 0
) -> Continuation:
    """Return the continuation of a page that was read forward.

    Args:
        from_number: Number at which the page starts.
        count: Number of requested events.
        found: Number of the last event on the page; None if it is empty.
        cut: Whether the page ended because of its size.
        last: Number of the stream's last event.
        first_kept: Lowest visible number of the stream.
    """
    end = found if cut and found is not None else from_number + count - 1
    if end < first_kept:
        return Continuation(first_kept, False)
    return Continuation(min(end, last) + 1 if found is None else found + 1, end >= last)


def backward(from_number: int, count: int, last: int, first_kept: int = 0) -> Window:
    """Return the window of a page that is read backward from `from_number`; -1 stands for the last event."""
    end = last if from_number == -1 else from_number
    return Window(max(end - count + 1, first_kept), min(end, last))


def after_backward(
    from_number: int, count: int, found: int | None, cut: bool, last: int, first_kept: int = 0
) -> Continuation:
    """Return the continuation of a page that was read backward.

    Args:
        from_number: Number at which the page starts; -1 for the last event.
        count: Number of requested events.
        found: Lowest number on the page; None if it is empty.
        cut: Whether the page ended because of its size.
        last: Number of the stream's last event.
        first_kept: Lowest visible number of the stream.
    """
    end = last if from_number == -1 else from_number
    start = found if cut and found is not None else max(0, end - count + 1)
    if end < first_kept or start <= first_kept or (start <= last and found != start):
        return _NO_MORE
    return Continuation(min(start - 1, last), False)
