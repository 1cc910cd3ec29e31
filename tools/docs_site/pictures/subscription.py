"""The states of a catch-up subscription."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from tools.docs_site.pictures.boxes import Box
from tools.docs_site.pictures.svg import arrow, element, picture, words

TITLE: Final = "The life of a catch-up subscription"
TEXT: Final = (
    "A subscription begins in the state Reading: it requests pages up to the last event. Then it is Subscribing: the "
    "server confirms, and new events are buffered from here. Then it is Closing the gap: it requests pages up to the "
    "event that the confirmation names. It emits the signal CaughtUp and is Live: it delivers new events as they are "
    "written. From each of these states it changes to Waiting if the connection is lost or the server drops the "
    "subscription, and from Live also if the buffer is full, with the signal FellBehind. After a delay it is Reading "
    "again, after the last delivered event; the signal is Reconnected if the connection was lost. dispose() ends it "
    "in every state and unsubscribes on the server. An error that no attempt can repair ends it with on_error."
)

_WIDE, _GAP, _LEFT = 126, 74, 26
_TOP: Final = 62
_STATES: Final = (
    ("Reading", ("pages up to", "the last event")),
    ("Subscribing", ("new events are", "buffered from here")),
    ("Closing the gap", ("pages up to", "the confirmation")),
    ("Live", ("new events as", "they are written")),
)
_STEPS: Final = ("end", "confirmed", "CaughtUp")
_ENDS: Final = (("dispose()", "label"), ("an error that no attempt can repair", "small"))


def draw() -> str:
    """Return the picture as SVG."""
    states = [
        Box(_LEFT + number * (_WIDE + _GAP), _TOP, _WIDE, 76, title, lines)
        for number, (title, lines) in enumerate(_STATES)
    ]
    *earlier, live = states
    live = Box(live.x, live.y, live.width, live.height, live.title, live.lines, kind="accent-box")
    reading, right = states[0], live.right
    waiting = Box(
        _LEFT,
        228,
        right - _LEFT,
        50,
        "Waiting",
        ["for the end of a delay, and for a connection; then on after the last delivered event"],
    )
    ends = [
        Box(120, 344, 230, 50, "Disposed", ["unsubscribed on the server"]),
        Box(420, 344, 230, 50, "Failed", ["on_error of the subscriber"]),
    ]
    parts = [
        element("rect", x=8, y=_TOP - 16, width=right + 10, height=waiting.bottom - _TOP + 32, rx=12, class_="faint"),
        element("circle", cx=reading.middle, cy=14, r=6, class_="tip"),
        *arrow([(reading.middle, 14), (reading.middle, _TOP)]),
        words(reading.middle + 14, 19, "subscribe()", kind="label", anchor="start"),
        *(part for box in (*earlier, live, waiting, *ends) for part in box.draw()),
    ]
    for (box, after), label in zip(pairwise(states), _STEPS, strict=True):
        y = box.y + box.height / 2
        kind = "label" if label == "CaughtUp" else "small muted"
        parts += arrow([(box.right, y), (after.x, y)])
        parts.append(words((box.right + after.x) / 2, y - 9, label, kind=kind))
    parts += _interruptions(states, waiting)
    for end, (label, kind) in zip(ends, _ENDS, strict=True):
        parts += arrow([(end.middle, waiting.bottom + 16), (end.middle, end.y)])
        parts.append(words(end.middle + 12, end.y - 20, label, kind=kind, anchor="start"))
    return picture(right + 26, 402, parts, name="subscription", title=TITLE, text=TEXT, is_file=True)


def _interruptions(states: list[Box], waiting: Box) -> list[str]:
    reading, subscribing, closing, live = states
    parts: list[str] = []
    for box in states:
        x = reading.right - 8 if box is reading else box.middle
        parts += arrow([(x, box.bottom), (x, waiting.y)], kind="back", tip="back-tip")
    x = reading.x + 8
    parts += arrow([(x, waiting.y), (x, reading.bottom)], kind="back", tip="back-tip")
    y = (reading.bottom + waiting.y) / 2
    middle = (subscribing.middle + closing.middle) / 2
    return [
        *parts,
        words(reading.middle, y + 4, "Reconnected", kind="label"),
        words(middle, y - 4, "the connection is lost, or the", kind="small back-text"),
        words(middle, y + 13, "server drops the subscription", kind="small back-text"),
        words(live.middle - 10, y - 4, "also: the buffer is full", kind="small back-text", anchor="end"),
        words(live.middle - 10, y + 14, "FellBehind", kind="label", anchor="end"),
    ]
