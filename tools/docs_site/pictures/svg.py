"""Write SVG whose colors follow the color scheme of the page, and which has a title and a description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

MONOSPACE_WIDTH: Final = 7.83
"""Width in pixels of a character in the font of labels, which has a size of 13 pixels."""

_LIGHT: Final = {
    "background": "#ffffff",
    "ink": "#24292f",
    "muted": "#57606a",
    "faint": "#d0d7de",
    "box": "#f1f3f9",
    "edge": "#b6bfcd",
    "accent": "#3f51b5",
    "accent-box": "#e4e8fb",
    "error": "#c4232f",
    "fill-0": "#d3e4ff",
    "fill-1": "#ffdcc7",
    "fill-2": "#cfeed2",
    "fill-3": "#e9dbff",
    "fill-4": "#fdeeb0",
    "fill-5": "#ffd6e1",
    "stroke-0": "#2f6fdb",
    "stroke-1": "#c2571c",
    "stroke-2": "#2c8440",
    "stroke-3": "#7d4cc2",
    "stroke-4": "#8f6d00",
    "stroke-5": "#bd3a62",
    "bar-0": "#0969da",
    "bar-1": "#6cb6ff",
    "bar-2": "#bf8700",
    "bar-3": "#1a7f37",
    "bar-4": "#8250df",
    "bar-5": "#b694f0",
    "bar-6": "#e16f9c",
    "bar-other": "#a3abb6",
}
_DARK: Final = {
    "background": "#0d1117",
    "ink": "#e3e7ef",
    "muted": "#a0a9b8",
    "faint": "#3c4454",
    "box": "#2a2f3f",
    "edge": "#5b657a",
    "accent": "#9fadff",
    "accent-box": "#323a63",
    "error": "#ff7b72",
    "fill-0": "#1f3b6b",
    "fill-1": "#5d3117",
    "fill-2": "#1e4c2a",
    "fill-3": "#452c6b",
    "fill-4": "#4d400d",
    "fill-5": "#5b2138",
    "stroke-0": "#79b0ff",
    "stroke-1": "#ffab7d",
    "stroke-2": "#7fdc8e",
    "stroke-3": "#c9a5ff",
    "stroke-4": "#ecd064",
    "stroke-5": "#ff9db8",
    "bar-0": "#388bfd",
    "bar-1": "#1f5fb3",
    "bar-2": "#d29922",
    "bar-3": "#3fb950",
    "bar-4": "#a371f7",
    "bar-5": "#7048b6",
    "bar-6": "#db6a97",
    "bar-other": "#6b7482",
}
COLORS: Final = 6
"""Number of colors for items."""

BARS: Final = 7
"""Number of colors for bars, besides the one for all others."""

_RULES: Final = """\
.picture text { font: 13px system-ui, sans-serif; fill: var(--picture-ink) }
.picture .label { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
.picture .small { font-size: 12px }
.picture .strong { font-weight: 600 }
.picture .muted { fill: var(--picture-muted) }
.picture .background { fill: var(--picture-background) }
.picture .line { fill: none; stroke: var(--picture-ink); stroke-width: 1.5 }
.picture .back { fill: none; stroke: var(--picture-accent); stroke-width: 1.5 }
.picture .back-text { fill: var(--picture-accent) }
.picture .dashed { stroke-dasharray: 5 4 }
.picture .faint { fill: none; stroke: var(--picture-faint) }
.picture .tip { fill: var(--picture-ink) }
.picture .back-tip { fill: var(--picture-accent) }
.picture .error { fill: none; stroke: var(--picture-error); stroke-width: 2.5 }
.picture .error-text { fill: var(--picture-error) }
.picture .box { fill: var(--picture-box); stroke: var(--picture-edge) }
.picture .accent-box { fill: var(--picture-accent-box); stroke: var(--picture-accent) }
"""


def stylesheet() -> str:
    """Return the rules of all pictures as a stylesheet of the site, which has a switch for the color scheme."""
    return "\n".join(
        [
            f":root, [data-md-color-scheme=default] {_variables(_LIGHT)}",
            f"[data-md-color-scheme=slate] {_variables(_DARK)}",
            _all_rules(),
        ]
    )


def picture(
    width: float, height: float, parts: Iterable[str], *, name: str, title: str, text: str, is_file: bool = False
) -> str:
    """Return a picture as SVG.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        parts: The elements of the picture.
        name: Name that no other picture of a page has. The ids of elements begin with it.
        title: Title that a screen reader reads.
        text: Description of all that the picture shows.
        is_file: Whether the picture is a file of its own. Such a picture contains its rules, and its colors follow
            the color scheme of the system.
    """
    opening = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "picture",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-text",
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width:g}",
        "height": f"{height:g}",
    }
    lines = [
        element("title", escape(title), id=f"{name}-title"),
        element("desc", escape(text), id=f"{name}-text"),
        *([_style(), element("rect", class_="background", width="100%", height="100%")] if is_file else []),
        *parts,
    ]
    return f"<svg{_attributes(opening)}>\n" + "\n".join(lines) + "\n</svg>\n"


def element(name: str, content: str = "", **attributes: str | float) -> str:
    """Return an element. A trailing "_" of an attribute is removed, and another "_" in its name means "-"."""
    written = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    return f"<{name}{_attributes(written)}>{content}</{name}>" if content else f"<{name}{_attributes(written)}/>"


def words(x: float, y: float, content: str, *, kind: str = "", anchor: str = "middle") -> str:
    """Return a line of text whose baseline is at y. `kind` is its class."""
    attributes = {"class_": kind} if kind else {}
    return element("text", escape(content, quote=False), x=x, y=y, text_anchor=anchor, **attributes)


def arrow(points: Iterable[tuple[float, float]], *, kind: str = "line", tip: str = "tip") -> list[str]:
    """Return a line through points with an arrowhead at its end. The last part is horizontal or vertical."""
    *_, (x0, y0), (x, y) = path = list(points)
    across, down = (x > x0) - (x < x0), (y > y0) - (y < y0)
    back_x, back_y = x - 9 * across, y - 9 * down
    corners = [(x, y), (back_x - 4.5 * down, back_y + 4.5 * across), (back_x + 4.5 * down, back_y - 4.5 * across)]
    return [
        element("polyline", points=_points([*path[:-1], (back_x, back_y)]), class_=kind),
        element("polygon", points=_points(corners), class_=tip),
    ]


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _attributes(attributes: Mapping[str, str | float]) -> str:
    shown = {
        name: f"{value:g}" if isinstance(value, float) else escape(str(value)) for name, value in attributes.items()
    }
    return "".join(f' {name}="{value}"' for name, value in shown.items())


def _style() -> str:
    dark = f"@media (prefers-color-scheme: dark) {{ .picture {_variables(_DARK)} }}"
    return element("style", f"\n.picture {_variables(_LIGHT)}\n{dark}\n{_all_rules()}")


def _all_rules() -> str:
    stroke = "stroke: var(--picture-stroke-{n}); stroke-width: 1.5"
    items = [f".picture .item-{n} {{ fill: var(--picture-fill-{n}); {stroke.format(n=n)} }}\n" for n in range(COLORS)]
    bars = [f".picture .bar-{n} {{ fill: var(--picture-bar-{n}) }}\n" for n in (*range(BARS), "other")]
    return _RULES + "".join(items + bars)


def _variables(colors: Mapping[str, str]) -> str:
    return "{ " + "; ".join(f"--picture-{name}: {color}" for name, color in colors.items()) + " }"
