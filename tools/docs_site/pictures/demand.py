"""A picture of the events that go from the server to a consumer, and of the demand that goes back."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from tools.docs_site.pictures.boxes import Box
from tools.docs_site.pictures.svg import arrow, element, picture, words

TITLE: Final = "The way of events to a consumer, and of demand back"
TEXT: Final = (
    "Events come from the server over a connection, in pages, to client.stream. It calls on_next, which runs through "
    "rx.map and rx.filter to ops.map_async in one call. During that call a context variable names client.stream. "
    "ops.map_async keeps the items that its coroutines have not finished. With 64 unfinished items it calls pause() "
    "of client.stream, and with 32 it calls resume(). While client.stream is paused, it delivers nothing, and the "
    "client requests nothing: over TCP no page, over gRPC no more bytes for its call. The connection stays open for "
    "other requests."
)

_BOXES: Final = (
    (8, 82, "Server", "strong", ()),
    (138, 104, "Connection", "strong", ("one socket",)),
    (302, 120, "client.stream", "label", ("the source",)),
    (452, 66, "rx.map", "label", ()),
    (548, 88, "rx.filter", "label", ()),
    (666, 122, "ops.map_async", "label", ("keeps items",)),
)
_TOP, _HIGH = 62, 54
_PAUSE, _REQUEST = 170, 214


def draw() -> str:
    """Return the picture as SVG."""
    boxes = [
        Box(x, _TOP, width, _HIGH, title, lines, title_kind=kind, kind="accent-box" if lines and x > 200 else "box")
        for x, width, title, kind, lines in _BOXES
    ]
    server, connection, source, *_, consumer = boxes
    frame = Box(source.x - 12, 12, consumer.right - source.x + 24, _TOP + _HIGH, "")
    middle = _TOP + _HIGH / 2
    parts = [
        element("rect", x=frame.x, y=frame.y, width=frame.width, height=frame.height, rx=12, class_="faint"),
        words(frame.middle, 32, "on_next: one call, in which a", kind="small muted"),
        words(frame.middle, 49, "context variable names the source", kind="small muted"),
        *(part for box in boxes for part in box.draw()),
        words((server.right + connection.x) / 2, middle - 8, "events", kind="small muted"),
        words((connection.right + frame.x) / 2, middle - 8, "pages", kind="small muted"),
    ]
    for before, after in pairwise(boxes):
        parts += arrow([(before.right, middle), (after.x, middle)])
    parts += _back(consumer, source, _PAUSE, "pause() with 64 unfinished items", "resume() with 32")
    parts += _back(
        source,
        server,
        _REQUEST,
        "while paused, the client requests",
        "no page (TCP), or no more bytes for this call (gRPC)",
        shift=-20,
    )
    return picture(frame.right + 8, 242, parts, name="demand", title=TITLE, text=TEXT, is_file=True)


def _back(start: Box, end: Box, y: float, above: str, below: str, *, shift: float = 0) -> list[str]:
    """Return an arrow that leaves a box at its lower edge and goes to the left to another box, with its text."""
    left, right = end.middle, start.middle + shift
    return [
        *arrow([(right, start.bottom), (right, y), (left, y), (left, end.bottom)], kind="back", tip="back-tip"),
        words(left + 12, y - 8, above, kind="small back-text", anchor="start"),
        words(left + 12, y + 18, below, kind="small back-text", anchor="start"),
    ]
