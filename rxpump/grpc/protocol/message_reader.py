"""Read and write the messages of a call. In the byte stream, each has a prefix of five bytes."""

from __future__ import annotations

import zlib
from struct import Struct
from typing import Final

from rxpump.grpc.protocol.call_status import StatusCode

PREFIX: Final = Struct(">BL")
"""Prefix of a message: whether it is compressed, and its size in bytes."""

PREFIX_BYTES: Final = PREFIX.size

ENCODINGS: Final = ("identity", "gzip")
"""Names of the compressions that can be read."""

_WINDOW_BITS: Final = {"gzip": 16 + zlib.MAX_WBITS}

_MAX_SIZE: Final = 0x7FFF_FFFF
"""Largest size that a prefix can have, because servers read it as a signed number."""


class MessageFault(Exception):
    """The peer sent bytes that are not messages, or a message that is too large.

    Attributes:
        code: CallStatus code of the call.
        reason: Description of the fault.
        is_damage: Whether the bytes cannot be those of a message, because a prefix or compressed data are malformed.
    """

    def __init__(self, code: StatusCode, reason: str, *, is_damage: bool = False) -> None:
        super().__init__(f"{code.name}: {reason}")
        self.code: StatusCode = code
        self.reason: str = reason
        self.is_damage: bool = is_damage


def frame_message(message: bytes) -> bytes:
    """Return a message with its prefix, not compressed."""
    return PREFIX.pack(0, len(message)) + message


class MessageReader:
    """Reader of the messages of one direction of a call. It never raises.

    Args:
        max_message_bytes: Size of the largest message that is accepted, before and after decompression.
        encoding: Value of `grpc-encoding` that the peer sent, or None.

    Attributes:
        failure: Reason why nothing more can be read, or None.
        held_bytes: Number of bytes of an incomplete message.
    """

    __slots__ = ("_chunks", "_encoding", "_max_message_bytes", "_missing", "failure", "held_bytes")

    def __init__(self, max_message_bytes: int, encoding: str | None) -> None:
        self.failure: MessageFault | None = None
        self.held_bytes: int = 0
        self._max_message_bytes = max_message_bytes
        self._encoding = encoding
        self._chunks: list[bytes] = []
        self._missing = 0  # bytes to wait for before joining the chunks, because joining each takes quadratic time

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that are complete now that `data` has arrived, up to a failure."""
        if self._chunks:
            self._chunks.append(data)
            self.held_bytes += len(data)
            self._missing -= len(data)
            if self._missing > 0:
                return []
            data = b"".join(self._chunks)
        messages: list[bytes] = []
        if self.failure is not None:
            return messages
        at, end, missing = 0, len(data), PREFIX_BYTES
        unpack, most = PREFIX.unpack_from, self._max_message_bytes
        try:
            while end - at >= PREFIX_BYTES:
                flag, size = unpack(data, at)
                if size > most:
                    raise self._too_large() if size <= _MAX_SIZE else _damaged_prefix(f"the size {size}")
                start = at + PREFIX_BYTES
                if end - start < size:
                    missing = PREFIX_BYTES + size
                    break
                at = start + size
                messages.append(self._decompress(flag, data[start:at]) if flag else data[start:at])
        except MessageFault as fault:
            self.failure = fault
            at = end
        if at < end or self._chunks:
            self._hold(data[at:], missing)
        return messages

    def finish(self) -> None:
        """End the reading. Set `failure` if a message is incomplete."""
        if self.held_bytes and self.failure is None:
            self.failure = MessageFault(StatusCode.INTERNAL, "Incomplete message.")

    def _hold(self, rest: bytes, needed: int) -> None:
        self._chunks = [rest] if rest else []
        self.held_bytes = len(rest)
        self._missing = needed - len(rest)

    def _decompress(self, flag: int, message: bytes) -> bytes:
        if flag != 1:
            raise _damaged_prefix(f"the flag {flag}, which must be 0 or 1")
        if self._encoding in (None, "identity"):
            reason = "Request did not include grpc-encoding value with compressed message."
            raise MessageFault(StatusCode.INTERNAL, reason)
        bits = _WINDOW_BITS.get(self._encoding)
        if bits is None:
            supported = ", ".join(ENCODINGS)
            reason = f"Unsupported grpc-encoding value '{self._encoding}'. Supported encodings: {supported}"
            raise MessageFault(StatusCode.UNIMPLEMENTED, reason)
        decompressor = zlib.decompressobj(bits)
        try:
            plain = decompressor.decompress(message, self._max_message_bytes + 1)
        except zlib.error as error:
            raise self._damaged() from error
        if len(plain) > self._max_message_bytes:
            raise self._too_large()
        if not decompressor.eof or decompressor.unused_data:
            raise self._damaged()
        return plain

    def _too_large(self) -> MessageFault:
        reason = "Received message exceeds the maximum configured message size."
        return MessageFault(StatusCode.RESOURCE_EXHAUSTED, reason)

    def _damaged(self) -> MessageFault:
        reason = f"Compressed message that is not valid {self._encoding}."
        return MessageFault(StatusCode.INTERNAL, reason, is_damage=True)

    def __repr__(self) -> str:
        failure = f", failed: {self.failure}" if self.failure else ""
        return f"<MessageReader holding {self.held_bytes} bytes, encoding {self._encoding}{failure}>"


def _damaged_prefix(what: str) -> MessageFault:
    return MessageFault(StatusCode.INTERNAL, f"Message prefix with {what}.", is_damage=True)
