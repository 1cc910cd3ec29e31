"""Draw a marble diagram."""

from __future__ import annotations

from typing import Final

from tools.docs_site.pictures.marbles import Diagram, End, Subscription, Timeline, colors, describe
from tools.docs_site.pictures.svg import COLORS, MONOSPACE_WIDTH, arrow, element, picture, words

_COLUMN: Final = 13.5
_LEFT: Final = 24
_RADIUS: Final = 13
_LINE: Final = 42
_NOTE: Final = 20
_BOX: Final = 32
_GAP: Final = 8


def draw(diagram: Diagram, name: str) -> str:
    """Return a diagram as SVG. `name` is the name of the operator."""
    shown = colors(diagram, COLORS)
    width = _width(diagram)
    parts, top = list[str](), 4.0
    for number, line in enumerate(diagram.timelines):
        if number:
            parts += _operator(diagram.operators[number - 1], top + _GAP, width)
            top += _BOX + 2 * _GAP
        parts += _timeline(line, shown[number], top + _LINE / 2)
        top += _LINE
        if line.note:
            parts.append(words(8, top + 12, line.note, kind="muted small", anchor="start"))
            top += _NOTE
    return picture(
        width,
        top + 4,
        parts,
        name=f"marbles-{name}",
        title=f"Marble diagram of {name}",
        text=describe(diagram),
    )


def _width(diagram: Diagram) -> float:
    lines = [each for line in diagram.timelines for each in line.subscriptions]
    ends = [_x(each.end) + 24 + _text_width(each.error) for each in lines]
    boxes = [_text_width(text) + 40 for text in diagram.operators]
    notes = [6.6 * len(line.note) + 16 for line in diagram.timelines]
    return max(ends + boxes + notes)


def _x(column: int) -> float:
    return _LEFT + column * _COLUMN


def _text_width(text: str) -> float:
    return len(text) * MONOSPACE_WIDTH


def _operator(text: str, top: float, width: float) -> list[str]:
    return [
        element("rect", x=1, y=top, width=width - 2, height=_BOX, rx=6, class_="box"),
        words(width / 2, top + _BOX / 2 + 4.5, text, kind="label"),
    ]


def _timeline(line: Timeline, shown: list[int | None], y: float) -> list[str]:
    parts = [part for each in line.subscriptions for part in _subscription(each, y)]
    for item, color in zip(line.items, shown, strict=True):
        left = _x(item.column) - _RADIUS
        wide = max(2.0 * _RADIUS, _text_width(item.label) + 14)
        kind = "box" if color is None else f"item-{color}"
        parts.append(element("rect", x=left, y=y - _RADIUS, width=wide, height=2 * _RADIUS, rx=_RADIUS, class_=kind))
        parts.append(words(left + wide / 2, y + 4.5, item.label, kind="label"))
    return parts


def _subscription(part: Subscription, y: float) -> list[str]:
    start, end = _x(part.start) - _LEFT + 8, _x(part.end)
    if part.how is End.CONTINUES:
        return arrow([(start, y), (end + 12, y)])
    line = element("line", x1=start, y1=y, x2=end, y2=y, class_="line")
    if part.how is End.COMPLETED:
        return [line, element("line", x1=end, y1=y - 12, x2=end, y2=y + 12, class_="line", stroke_width=3)]
    cross = f"M{end - 7:g} {y - 7:g}l14 14m0 -14l-14 14"
    label = [words(end + 14, y + 4.5, part.error, kind="label error-text", anchor="start")] if part.error else []
    return [line, element("path", d=cross, class_="error"), *label]
