"""Comparison of prefixes by the rules of a culture, as a real server does (docs/protocol/tcp.md, section 4.7).

A culture compares letters, and a letter can consist of several characters. If a prefix ends inside a letter of the
text, the text does not start with it, and the filter misses the event. An accent that is a character of its own makes
the same letter as a character with this accent. Invisible characters do not count. This module uses the rules that
hold without a language (`LANG=C.UTF-8`), which are those of the images of real servers.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_VOWELS_BEFORE: Final = frozenset(map(chr, (*range(0x0E40, 0x0E45), *range(0x0EC0, 0x0EC5))))
"""Vowels of Thai and Lao that are written before the consonant that they belong to."""


_INVISIBLE: Final = frozenset({"Cc", "Cf"})
"""Categories of characters without a shape of their own, such as a soft hyphen."""


def starts_with(text: str, prefix: str) -> bool:
    """Return whether `text` starts with the letters of `prefix`."""
    if not (text.isascii() and prefix.isascii() and text.isprintable() and prefix.isprintable()):
        text, prefix = _compared(text), _compared(prefix)
    if not text.startswith(prefix):
        return False
    before, after = prefix[-1:], text[len(prefix) : len(prefix) + 1]
    return not (before and after and _are_one_letter(before, after))


def _compared(text: str) -> str:
    """Return the characters of a text that are compared, with each accent as a character of its own."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(each for each in decomposed if each.isspace() or unicodedata.category(each) not in _INVISIBLE)


def _are_one_letter(before: str, after: str) -> bool:
    is_mark = unicodedata.category(after).startswith("M")
    is_turned = before in _VOWELS_BEFORE and unicodedata.category(after) == "Lo"
    return is_mark or is_turned
