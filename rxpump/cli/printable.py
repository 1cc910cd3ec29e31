"""Text that cannot control the terminal on which it is shown."""

from __future__ import annotations

from typing import Final

_CONTROLS: Final = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTIONS: Final = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES: Final = {
    **{code: f"\\x{code:02x}" for code in _CONTROLS},
    **{code: f"\\u{code:04x}" for code in _DIRECTIONS},
}
"""Escape of each character that can change the state of a terminal, or the direction of text."""


def printable(text: str) -> str:
    r"""Return text for a terminal, with escapes such as `\x1b` instead of control characters.

    Names and data can come from anyone. Without the escapes, they could clear the screen, change the title of the
    window, or show the rest of a line in the opposite direction.
    """
    return text.translate(_ESCAPES)


def printable_lines(text: str) -> str:
    """Return text of several lines for a terminal, with the same escapes in each line."""
    return "\n".join(map(printable, text.split("\n")))
