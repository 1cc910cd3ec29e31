"""Draw results as SVG: bars that compare entries, and lines that show how a cost grows with size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from benchmarks.report import SHOW
from benchmarks.summary import Row, Spread

_WIDTH = 820
_LABELS = 205
_BAR, _GAP, _TITLE = 16, 4, 30
_LONG_TITLE = 80  # in characters
_RIGHT = 130
_COLORS = {"rxpump": "#0969da", "rxpump + speed": "#54aeff", "photon-pump": "#bf8700", "node": "#1a7f37"}
_OTHER = "#8c959f"
_TEXT, _FAINT, _INK = "#57606a", "#d0d7de", "#24292f"


def bars(rows: Sequence[Row]) -> str:
    """Draw a panel for each row, with a bar for each median and a line from the lowest to the highest value."""
    parts: list[str] = []
    top = 10
    for row in rows:
        better = "more is better" if row.metric.more_is_better else "less is better"
        title = f"{row.workload.key} {row.workload.title}, {row.server}"
        parts.append(_text(10, top + 14, title, size=13, weight="bold", color=_INK))
        if len(title) > _LONG_TITLE:  # The bar leaves no room beside it.
            top += _BAR
        parts.append(_text(_WIDTH - 10, top + 14, f"{row.metric.heading}, {better}", anchor="end"))
        top += _TITLE
        scale = (_WIDTH - _LABELS - _RIGHT) / (max(value.highest for value in row.values.values()) or 1)
        for label, value in row.values.items():
            parts += _bar(label, value, top, scale, SHOW[row.metric](value.middle))
            top += _BAR + _GAP
        top += 14
    return _svg(top, parts)


def _bar(label: str, value: Spread, top: int, scale: float, shown: str) -> list[str]:
    middle, left = top + _BAR / 2, _LABELS + value.lowest * scale
    right = _LABELS + value.highest * scale
    return [
        _text(_LABELS - 8, middle + 4, label, anchor="end"),
        f'<rect x="{_LABELS}" y="{top}" width="{value.middle * scale:.1f}" height="{_BAR}" rx="2"'
        f' fill="{_COLORS.get(label, _OTHER)}"/>',
        _line(left, middle, right, middle, _INK),
        *(_line(x, middle - 4, x, middle + 4, _INK) for x in (left, right)),
        _text(right + 8, middle + 4, shown, color=_INK),
    ]


def lines(rows: Sequence[Row]) -> str:
    """Draw a panel for each row, with a line through the medians of its entries, which are ordered by size."""
    height, parts, top = 150, list[str](), 10
    for row in rows:
        title = f"{row.workload.key} {row.workload.title}, {row.server}"
        parts.append(_text(10, top + 14, f"{title}: {row.metric.heading}", size=13, weight="bold", color=_INK))
        top += _TITLE
        floor = top + height
        most = max(value.highest for value in row.values.values()) * 1.15
        step = (_WIDTH - _LABELS - _RIGHT) / max(1, len(row.values) - 1)
        points = []
        for number, (label, value) in enumerate(row.values.items()):
            x = _LABELS + number * step
            y, low, high = (floor - each / most * height for each in (value.middle, value.lowest, value.highest))
            points.append(f"{x:.1f},{y:.1f}")
            parts.append(_line(x, low, x, high, _INK))
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_COLORS["rxpump"]}"/>')
            parts.append(_text(x + 8, y - 8, SHOW[row.metric](value.middle), color=_INK))
            parts.append(_text(x, floor + 16, label, anchor="middle"))
        parts.append(_line(_LABELS, floor, _WIDTH - _RIGHT, floor, _FAINT))
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{_COLORS["rxpump"]}" stroke-width="2"/>'
        )
        top = floor + 36
    return _svg(top, parts)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 12,
    weight: str = "normal",
    color: str = _TEXT,
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
        f' fill="{color}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"/>'


def _svg(height: float, parts: Iterable[str]) -> str:
    tall = math.ceil(height)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {tall}" width="{_WIDTH}" height="{tall}"'
        f' font-family="system-ui, sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
