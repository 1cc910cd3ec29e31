"""Join the fragments of header blocks and decode them (RFC 9113, section 4.3)."""

from __future__ import annotations

from typing import Final

from hpack import Decoder, HPACKError, OversizedHeaderListError

from rxpump.grpc.http2.block_cache import BlockCache, is_reusable
from rxpump.grpc.http2.error_codes import ConnectionFault, ErrorCode
from rxpump.grpc.http2.http2_events import Header
from rxpump.grpc.http2.http2_limits import Http2Limits

MAX_FRAGMENTS: Final = 32
"""Number of frames that a header block can be split into. A block of the default limit needs four."""


class HeaderDecoder:
    """Decoder of the header blocks of one connection, in their order on the wire.

    A block that is too large ends the connection, because the state of the decoder is lost with it.

    Attributes:
        stream_id: Number of the stream whose block is incomplete, or None.
        flags: Flags of the HEADERS frame that began the block.
    """

    __slots__ = ("_cache", "_decoder", "_fragments", "_max_block_bytes", "_size", "flags", "stream_id")

    def __init__(self, limits: Http2Limits) -> None:
        self._decoder = Decoder(max_header_list_size=2 * limits.max_header_list_bytes)
        self._cache: BlockCache[bytes, tuple[Header, ...]] = BlockCache()
        self._max_block_bytes = limits.max_header_block_bytes
        self._fragments: list[bytes] = []
        self._size = 0
        self.stream_id: int | None = None
        self.flags: int = 0

    @property
    def held_bytes(self) -> int:
        """Number of bytes of an incomplete block."""
        return self._size

    def begin(self, stream_id: int, flags: int) -> None:
        """Begin a block."""
        self.stream_id = stream_id
        self.flags = flags

    def add(self, fragment: bytes) -> None:
        """Add a fragment to the block.

        Raises:
            ConnectionFault: The block has too many bytes or too many fragments.
        """
        self._fragments.append(fragment)
        self._size += len(fragment)
        if self._size > self._max_block_bytes:
            reason = f"a header block of more than {self._max_block_bytes:,} bytes"
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, reason)
        if len(self._fragments) > MAX_FRAGMENTS:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, f"a header block in more than {MAX_FRAGMENTS} frames")

    def decode(self) -> tuple[Header, ...]:
        """Return the headers of the block, and end it.

        Raises:
            ConnectionFault: The block cannot be decoded, or its headers are too large.
        """
        block = b"".join(self._fragments)
        self._fragments.clear()
        self._size = 0
        self.stream_id = None
        headers = self._cache.get(block)
        if headers is None:
            headers = self._decode(block)
            if is_reusable(block):
                self._cache.keep(block, headers)
            else:
                self._cache.clear()
        return headers

    def _decode(self, block: bytes) -> tuple[Header, ...]:
        try:
            fields = self._decoder.decode(block, raw=True)
        except OversizedHeaderListError:
            reason = f"headers of more than {self._decoder.max_header_list_size:,} bytes"
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, reason) from None
        except HPACKError as error:
            reason = f"a header block that cannot be decoded ({type(error).__name__})"
            raise ConnectionFault(ErrorCode.COMPRESSION_ERROR, reason) from error
        return tuple((_text(name), _text(value)) for name, value in fields)

    def __repr__(self) -> str:
        block = f"{self._size} bytes of stream {self.stream_id}" if self.stream_id else "no block"
        return f"<HeaderDecoder holding {block}>"


def _text(octets: bytes) -> str:
    return str(octets, "utf-8", "surrogateescape")
