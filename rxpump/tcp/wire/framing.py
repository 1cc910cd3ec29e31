"""Split a stream of bytes into packages.

`Framer` receives bytes in pieces of any size and returns complete packages. It does not raise: after a malformed
frame it returns nothing more, and `failure` is the error. A frame can be as large as 64 MiB, so its pieces are kept
and are joined only once.
"""

from __future__ import annotations

from rxpump.errors import FrameTooLarge, MalformedFrame, ProtocolError
from rxpump.tcp.wire.limits import MAX_FRAME_BYTES
from rxpump.tcp.wire.package import HEADER_BYTES, PREFIX_AND_HEADER, Package, decode

_PREFIX_BYTES = 4
_LEAST_BYTES = _PREFIX_BYTES + HEADER_BYTES


class Framer:
    """Splits the received bytes of one connection into packages.

    Args:
        max_frame_bytes: Bytes of the largest frame that is accepted.

    Attributes:
        failure: The error that ended the stream, or None.
    """

    __slots__ = ("_held", "_needed", "_pieces", "failure", "max_frame_bytes")

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self.max_frame_bytes: int = max_frame_bytes
        self.failure: ProtocolError | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = 0  # bytes of the incomplete frame, as far as they are known

    @property
    def held(self) -> int:
        """Bytes of the incomplete frame."""
        return self._held

    def clear(self) -> None:
        """Free the bytes of the incomplete frame, because no more bytes will arrive."""
        self._pieces.clear()
        self._held = 0

    @property
    def begun(self) -> bytes | None:
        """Correlation id of the incomplete frame, or None if the id has not arrived yet."""
        head = b""
        for piece in self._pieces:
            head += piece[:_LEAST_BYTES]
            if len(head) >= _LEAST_BYTES:
                return head[_PREFIX_BYTES + 2 : _LEAST_BYTES]
        return None

    def feed(self, data: bytes) -> list[Package]:
        """Receive bytes, and return the packages that are complete now, in order."""
        if self.failure is not None:
            return []
        if self._pieces:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed:
                return []
            data = b"".join(self._pieces)
            self.clear()
        packages: list[Package] = []
        offset, end = 0, len(data)
        try:
            while end - offset >= _LEAST_BYTES:
                length, command, flags, correlation_id = PREFIX_AND_HEADER.unpack_from(data, offset)
                following = offset + _PREFIX_BYTES + length
                if following > end or not HEADER_BYTES <= length <= self.max_frame_bytes:
                    break
                body = data[offset + _LEAST_BYTES : following]
                packages.append(decode(command, flags, correlation_id, body))
                offset = following
            if offset < end:
                self._hold(data[offset:])
        except ProtocolError as failure:
            self.failure = failure
        return packages

    def _hold(self, begun: bytes) -> None:
        """Keep the bytes of an incomplete frame.

        Raises:
            ProtocolError: Its length is not allowed.
        """
        self._needed = _PREFIX_BYTES
        if len(begun) >= _PREFIX_BYTES:
            length = int.from_bytes(begun[:_PREFIX_BYTES], "little", signed=True)
            if not HEADER_BYTES <= length <= self.max_frame_bytes:
                raise self._refusal(length, begun[_PREFIX_BYTES:_LEAST_BYTES])
            self._needed += length
        self._pieces.append(begun)
        self._held = len(begun)

    def _refusal(self, length: int, header: bytes) -> ProtocolError:
        if length > self.max_frame_bytes:
            return FrameTooLarge(length, self.max_frame_bytes, header[2:] if len(header) == HEADER_BYTES else None)
        return MalformedFrame(f"its length is {length}, but a package has at least {HEADER_BYTES} bytes")

    def __repr__(self) -> str:
        return f"<Framer holding {self._held} bytes{f', failed: {self.failure}' if self.failure else ''}>"
