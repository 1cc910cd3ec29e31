"""Reuse the results of encoding and decoding header blocks that repeat."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MAX_ENTRIES: Final = 64
"""Number of results that are kept, because a peer chooses the blocks."""


def is_reusable(block: bytes) -> bool:
    """Return whether a block consists of indexed fields of one byte each (RFC 7541, section 6.1).

    Such a block does not change the dynamic table, and means the same until another block changes it.
    """
    return bool(block) and min(block) >= 0x80 and max(block) < 0xFF


class BlockCache(Generic[K, V]):
    """Results that are valid until the dynamic table changes."""

    __slots__ = ("_results",)

    def __init__(self) -> None:
        self._results: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return the result for a key, or None."""
        return self._results.get(key)

    def clear(self) -> None:
        """Remove all results, because the dynamic table may have changed."""
        self._results.clear()

    def keep(self, key: K, result: V) -> None:
        """Keep a result."""
        if len(self._results) >= MAX_ENTRIES:
            self._results.clear()
        self._results[key] = result
