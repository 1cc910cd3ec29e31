"""Encode header lists (RFC 9113, section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hpack import Encoder

from rxpump.grpc.http2.block_cache import BlockCache, is_reusable
from rxpump.grpc.http2.http2_events import Header

_TABLE_BYTES: Final = 4096
"""Size of the largest dynamic table that the encoder uses."""


class HeaderEncoder:
    """Encoder of the header lists of one connection, in their order on the wire."""

    __slots__ = ("_cache", "_encoder", "_last_size", "_smallest_size")

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._cache: BlockCache[tuple[Header, ...], bytes] = BlockCache()
        self._smallest_size = self._last_size = _TABLE_BYTES

    def set_table_size(self, size: int) -> None:
        """Use a dynamic table that is not larger than the peer allows."""
        self._last_size = min(size, _TABLE_BYTES)
        self._smallest_size = min(self._smallest_size, self._last_size)

    def encode(self, headers: Sequence[Header]) -> bytes:
        """Return the block of a header list."""
        self._resize()
        key = tuple(headers)
        block = self._cache.get(key)
        if block is None:
            fields = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers]
            # Huffman coding saves bytes of the first request only, and takes quadratic time for a long value.
            block = self._encoder.encode(fields, huffman=False)
            if is_reusable(block):
                self._cache.keep(key, block)
            else:
                self._cache.clear()
        return block

    def _resize(self) -> None:
        """Announce the smallest and the last size since the last block (RFC 7541, section 4.2).

        The encoder of hpack announces every size that it is set to, which can be larger than the peer allows by now,
        and announces nothing if it is set to the same size twice.
        """
        for size in (self._smallest_size, self._last_size):
            if size != self._encoder.header_table_size:
                self._encoder.header_table_size = size
                self._cache.clear()
        self._smallest_size = self._last_size
