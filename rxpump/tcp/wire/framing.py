"""Split a stream of bytes into packages.

`Framer` receives bytes in pieces of any size and returns complete packages. It does not raise: after a malformed
frame it returns nothing more, and `failure` is the error. A frame can be as large as 64 MiB, so its pieces are kept
and are joined only once.
"""

from __future__ import annotations

from rxpump.errors import FrameTooLarge, MalformedFrame, ProtocolError
from rxpump.tcp.wire.limits import MAX_FRAME_BYTES
from rxpump.tcp.wire.package import HEADER_BYTES, Package, decode

_PREFIX_BYTES = 4


class Framer:
    """Splits the received bytes of one connection into packages.

    Args:
        max_frame_bytes: Bytes of the largest frame that is accepted.

    Attributes:
        failure: The error that ended the stream, or None.
    """

    __slots__ = ("_held", "_missing", "_pieces", "failure", "max_frame_bytes")

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self.max_frame_bytes: int = max_frame_bytes
        self.failure: ProtocolError | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._missing = 0  # bytes that must arrive before the frame can be complete

    @property
    def held(self) -> int:
        """Bytes of the incomplete frame."""
        return self._held

    def clear(self) -> None:
        """Free the bytes of the incomplete frame, because no more bytes will arrive."""
        self._pieces.clear()
        self._held = self._missing = 0

    @property
    def begun(self) -> bytes | None:
        """Correlation id of the incomplete frame, or None if the id has not arrived yet."""
        head = b""
        for piece in self._pieces:
            head += piece[: _PREFIX_BYTES + HEADER_BYTES]
            if len(head) >= _PREFIX_BYTES + HEADER_BYTES:
                return head[_PREFIX_BYTES + 2 : _PREFIX_BYTES + HEADER_BYTES]
        return None

    def feed(self, data: bytes) -> list[Package]:
        """Receive bytes, and return the packages that are complete now, in order."""
        if self.failure is not None:
            return []
        self._missing -= len(data)
        if self._pieces or self._missing > 0:
            self._pieces.append(data)
            self._held += len(data)
            if self._missing > 0:
                return []
            data = b"".join(self._pieces)
            self._pieces.clear()
        packages: list[Package] = []
        rest = self._take(data, packages)
        self._held = len(rest)
        if rest:
            self._pieces.append(rest)
        return packages

    def _take(self, data: bytes, packages: list[Package]) -> bytes:
        """Append the complete packages of `data` to `packages`, and return the remaining bytes."""
        offset, end = 0, len(data)
        while end - offset >= _PREFIX_BYTES:
            start = offset + _PREFIX_BYTES
            length = int.from_bytes(data[offset:start], "little", signed=True)
            if not HEADER_BYTES <= length <= self.max_frame_bytes:
                self.failure = self._refuse(length, data[start : start + HEADER_BYTES])
                return b""
            if end - start < length:
                self._missing = start + length - end
                return data[offset:]
            try:
                packages.append(decode(data, start, start + length))
            except MalformedFrame as failure:
                self.failure = failure
                return b""
            offset = start + length
        self._missing = _PREFIX_BYTES - (end - offset)
        return data[offset:]

    def _refuse(self, length: int, header: bytes) -> ProtocolError:
        if length > self.max_frame_bytes:
            return FrameTooLarge(length, self.max_frame_bytes, header[2:] if len(header) == HEADER_BYTES else None)
        return MalformedFrame(f"its length is {length}, but a package has at least {HEADER_BYTES} bytes")

    def __repr__(self) -> str:
        return f"<Framer holding {self._held} bytes{f', failed: {self.failure}' if self.failure else ''}>"
