"""Draw results as SVG: bars that compare entries, and lines that show how a cost grows with size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.definitions import (
    KURRENT,
    KURRENT_ASYNCIO,
    KURRENT_NODE,
    NODE,
    PHOTONPUMP,
    RXPUMP,
    SINK,
    SPEED,
)
from benchmarks.report import CONTESTANTS, SHOW
from benchmarks.summary import Row, Spread
from tools.docs_site.pictures.svg import element, picture, words

_WIDTH = 820
_LABELS = 205
_BAR, _GAP, _TITLE = 16, 4, 30
_LONG_TITLE, _LONG_TITLE_OF_COLUMN = 80, 30  # in characters
_RIGHT = 130
_COLUMN, _COLUMN_LABELS, _BETWEEN = 395, 158, 30
_MARGIN = 20
_KINDS = {
    name: f"bar-{number}"
    for number, name in enumerate((RXPUMP, SPEED, PHOTONPUMP, NODE, KURRENT, KURRENT_ASYNCIO, KURRENT_NODE))
}
_OTHER = "bar-other"


def summary(rows: Sequence[Row]) -> str:
    """Draw a panel for each row, in two columns, with a bar for each median. The limit of the server is left out."""
    tops = [10.0, 10.0]
    parts: list[str] = []
    for row in rows:
        column = tops.index(min(tops))
        left = column * (_COLUMN + _BETWEEN)
        top = tops[column]
        parts.append(words(left + 2, top + 14, row.workload.title, kind="strong", anchor="start"))
        if len(row.workload.title) > _LONG_TITLE_OF_COLUMN:
            top += _BAR
        parts.append(words(left + _COLUMN, top + 14, _heading(row), kind="small muted", anchor="end"))
        top += 24
        shown = {name: row.values[name] for name in CONTESTANTS if name in row.values and name != SINK}
        scale = (_COLUMN - _COLUMN_LABELS - 64) / (max(value.middle for value in shown.values()) or 1)
        for label, value in shown.items():
            parts += _bar(label, value, left + _COLUMN_LABELS, top, scale)
            right = left + _COLUMN_LABELS + value.middle * scale
            parts.append(_value(row, value, right + 8, top))
            top += _BAR + _GAP
        tops[column] = top + _MARGIN
    text = ". ".join(f"{row.workload.title}, {_heading(row)}: {_in_words(row)}" for row in rows)
    width = 2 * _COLUMN + _BETWEEN + 10
    return picture(width, max(tops), parts, name="speed", title="Speed of the clients", text=text, is_file=True)


def bars(rows: Sequence[Row]) -> str:
    """Draw a panel for each row, with a bar for each median and a line from the lowest to the highest value."""
    parts: list[str] = []
    top = 10.0
    for row in rows:
        title = _title(row)
        parts.append(words(10, top + 14, title, kind="strong", anchor="start"))
        if len(title) > _LONG_TITLE:  # The bar leaves no room beside it.
            top += _BAR
        parts.append(words(_WIDTH - 10, top + 14, _heading(row), kind="small muted", anchor="end"))
        top += _TITLE
        scale = (_WIDTH - _LABELS - _RIGHT) / (max(value.highest for value in row.values.values()) or 1)
        for label, value in row.values.items():
            parts += _bar(label, value, _LABELS, top, scale)
            parts += _range(value, top + _BAR / 2, scale)
            parts.append(_value(row, value, _LABELS + value.highest * scale + 8, top))
            top += _BAR + _GAP
        top += 14
    text = ". ".join(f"{_title(row)}, {_heading(row)}: {_in_words(row)}" for row in rows)
    title = "All workloads and contestants"
    return picture(_WIDTH, top, parts, name="workloads", title=title, text=text, is_file=True)


def lines(rows: Sequence[Row]) -> str:
    """Draw a panel for each row, with a line through the medians of its entries, which are ordered by size."""
    height, parts, top = 150, list[str](), 10.0
    for row in rows:
        parts.append(words(10, top + 14, f"{_title(row)}: {row.metric.heading}", kind="strong", anchor="start"))
        top += _TITLE
        floor = top + height
        most = max(value.highest for value in row.values.values()) * 1.15
        step = (_WIDTH - _LABELS - _RIGHT) / max(1, len(row.values) - 1)
        points = [
            (_LABELS + number * step, floor - value.middle / most * height)
            for number, value in enumerate(row.values.values())
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(_line(_LABELS, floor, _WIDTH - _RIGHT, floor, "faint"))
        parts.append(element("polyline", points=path, class_="back", stroke_width=2))
        for (x, y), (label, value) in zip(points, row.values.items(), strict=True):
            low, high = (floor - each / most * height for each in (value.lowest, value.highest))
            parts.append(_line(x, low, x, high, "line"))
            parts.append(element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4, class_="bar-0"))
            parts.append(
                words(round(x + 8), round(y - 8), SHOW[row.metric](value.middle), kind="small", anchor="start")
            )
            parts.append(words(round(x), floor + 16, label, kind="small muted"))
        top = floor + 36
    text = ". ".join(f"{_title(row)}, {row.metric.heading}: {_in_words(row)}" for row in rows)
    return picture(_WIDTH, top, parts, name="growth", title="Cost against size", text=text, is_file=True)


def _title(row: Row) -> str:
    return f"{row.workload.key} {row.workload.title}, {row.server}"


def _heading(row: Row) -> str:
    return f"{row.metric.heading}, {'more' if row.metric.more_is_better else 'less'} is better"


def _in_words(row: Row) -> str:
    return ", ".join(f"{label} {SHOW[row.metric](value.middle)}" for label, value in row.values.items())


def _bar(label: str, value: Spread, left: float, top: float, scale: float) -> Iterable[str]:
    kind = _KINDS.get(label, _OTHER)
    width = f"{max(1.0, value.middle * scale):.1f}"
    yield words(left - 8, top + _BAR / 2 + 4, label, kind="small muted" if label != RXPUMP else "small", anchor="end")
    yield element("rect", x=left, y=top, width=width, height=_BAR, rx=2, class_=kind)


def _range(value: Spread, middle: float, scale: float) -> Iterable[str]:
    left, right = (_LABELS + each * scale for each in (value.lowest, value.highest))
    yield _line(left, middle, right, middle, "line")
    for x in (left, right):
        yield _line(x, middle - 4, x, middle + 4, "line")


def _value(row: Row, value: Spread, x: float, top: float) -> str:
    return words(round(x), top + _BAR / 2 + 4, SHOW[row.metric](value.middle), kind="small", anchor="start")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    ends = {name: f"{each:.1f}" for name, each in zip(("x1", "y1", "x2", "y2"), (x1, y1, x2, y2), strict=True)}
    return element("line", **ends, class_=kind)
