"""Prefixes as a real server compares them: by the rules of a culture (docs/protocol/tcp.md, section 4.7).

To a culture a text is a sequence of letters, and a letter can have several characters. A prefix that ends inside a
letter of the text is no prefix of it, and the event is left out. Here the culture is Hungarian, in which more letters
have several characters than in others.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_DIGRAPHS: Final = ("cs", "dz", "gy", "ly", "ny", "sz", "ty", "zs")
_VOWELS_BEFORE: Final = frozenset(map(chr, (*range(0x0E40, 0x0E45), *range(0x0EC0, 0x0EC5))))
"""Vowels of Thai and Lao, which are written before the consonant that they belong to."""


def starts_with(text: str, prefix: str) -> bool:
    """Return whether `text` starts with the letters of `prefix`."""
    if not text.startswith(prefix):
        return False
    before, after = prefix[-1:], text[len(prefix) : len(prefix) + 1]
    return not (before and after and _are_one_letter(before, after))


def _are_one_letter(before: str, after: str) -> bool:
    is_mark = unicodedata.category(after).startswith("M")
    is_turned = before in _VOWELS_BEFORE and unicodedata.category(after) == "Lo"
    return is_mark or is_turned or (before + after).lower() in _DIGRAPHS
