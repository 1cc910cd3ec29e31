"""Draw boxes with lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tools.docs_site.pictures.svg import element, words

_LINE: Final = 17


@dataclass(frozen=True)
class Box:
    """A box with centered lines of text.

    Attributes:
        x: Left edge in pixels.
        y: Upper edge in pixels.
        width: Width in pixels.
        height: Height in pixels.
        title: First line, in bold.
        lines: Further lines.
        kind: Class of the box.
        title_kind: Class of the first line.
    """

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: Sequence[str] = ()
    kind: str = "box"
    title_kind: str = "strong"

    @property
    def middle(self) -> float:
        """Horizontal center in pixels."""
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        """Right edge in pixels."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower edge in pixels."""
        return self.y + self.height

    def draw(self) -> list[str]:
        """Return the elements of the box."""
        top = self.y + (self.height - _LINE * len(self.lines)) / 2 + 4.5
        return [
            element("rect", x=self.x, y=self.y, width=self.width, height=self.height, rx=7, class_=self.kind),
            words(self.middle, top, self.title, kind=self.title_kind),
            *(
                words(self.middle, top + _LINE * number, line, kind="small muted")
                for number, line in enumerate(self.lines, 1)
            ),
        ]
