"""From a stream of bytes to packages.

Bytes come in as the network cut them; whole packages go out. Feeding never raises: the first frame that
is not the protocol ends the stream, and `failure` says why. A frame may be as large as 64 MiB, so its
pieces are kept as they came and joined once.
"""

from __future__ import annotations

from rxpump.errors import FrameTooLarge, MalformedFrame, ProtocolError
from rxpump.model.limits import MAX_FRAME_BYTES
from rxpump.tcp.wire.package import HEADER_BYTES, Package, decode

_PREFIX_BYTES = 4


class Framer:
    """Collects the bytes of one connection; `failure` is None while they make sense."""

    __slots__ = ("_held", "_missing", "_pieces", "failure", "max_frame_bytes")

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self.max_frame_bytes: int = max_frame_bytes
        self.failure: ProtocolError | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._missing = 0  # how many bytes must come before it is worth looking again

    @property
    def held(self) -> int:
        """Bytes of the frame that is not complete."""
        return self._held

    def clear(self) -> None:
        """Release the bytes of the frame that is not complete: no more bytes will come."""
        self._pieces.clear()
        self._held = self._missing = 0

    @property
    def begun(self) -> bytes | None:
        """Correlation id of a frame of which only the first part has come, None where that part is too short."""
        head = b""
        for piece in self._pieces:
            head += piece[: _PREFIX_BYTES + HEADER_BYTES]
            if len(head) >= _PREFIX_BYTES + HEADER_BYTES:
                return head[_PREFIX_BYTES + 2 : _PREFIX_BYTES + HEADER_BYTES]
        return None

    def feed(self, data: bytes) -> list[Package]:
        """Take the next bytes; give the packages that are whole now, in order."""
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
        """Move the whole frames of `data` into `packages`; give back what is left."""
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
                packages.append(decode(data[start : start + length]))
            except MalformedFrame as failure:
                self.failure = failure
                return b""
            offset = start + length
        self._missing = _PREFIX_BYTES - (end - offset)
        return data[offset:]

    def _refuse(self, length: int, header: bytes) -> ProtocolError:
        if length > self.max_frame_bytes:
            return FrameTooLarge(length, self.max_frame_bytes, header[2:] if len(header) == HEADER_BYTES else None)
        return MalformedFrame(f"a length of {length}, a package has at least {HEADER_BYTES} bytes")

    def __repr__(self) -> str:
        return f"<Framer holding {self._held} bytes{f', failed: {self.failure}' if self.failure else ''}>"
