"""Frames that wait for the socket, and the pieces in which the socket receives them.

The socket receives one piece at a time, and only while its buffer is not full. Urgent frames can therefore be sent
before waiting ones, but not in the middle of a frame, because the bytes of a frame are contiguous. Each piece that
the socket accepts shows that the server still reads.
"""

from __future__ import annotations

from collections import deque
from typing import Final

PIECE_BYTES: Final = 128 * 1024
"""Bytes of the largest piece; on a link of 1 MB/s it is sent in an eighth of a second."""

_ID = slice(6, 22)  # bytes of a frame that contain the correlation id


class SendBuffer:
    """Frames in the order in which they are sent.

    Attributes:
        frames: The frames. New ones are added at the end. If a part of the first frame was sent, the rest of it.
        begun: Correlation id of the first frame if a part of it was sent; None between two frames.
    """

    def __init__(self) -> None:
        self.frames: deque[bytes | memoryview] = deque()
        self.begun: bytes | None = None

    def put_first(self, frames: list[bytes]) -> None:
        """Add frames before all others, but after a frame that was begun."""
        begun = [] if self.begun is None else [self.frames.popleft()]
        self.frames.extendleft(reversed([*begun, *frames]))

    def take(self) -> bytes | memoryview | None:
        """Remove and return the next piece, or None if there is none.

        Small frames are joined into one piece. A frame of more than PIECE_BYTES is split.
        """
        frames = self.frames
        if not frames:
            return None
        first = frames.popleft()
        if len(first) > PIECE_BYTES:
            return self._take_part(first)
        if self.begun is not None:
            self.begun = None
            return first
        if not frames:
            return first
        return self._take_more(first)

    def _take_part(self, frame: bytes | memoryview) -> memoryview:
        if self.begun is None:
            self.begun = bytes(frame[_ID])
        rest = memoryview(frame)
        self.frames.appendleft(rest[PIECE_BYTES:])
        return rest[:PIECE_BYTES]

    def _take_more(self, first: bytes | memoryview) -> bytes:
        """Return the first frame, joined with those after it that fit into the same piece."""
        piece, size = [first], len(first)
        while self.frames and size + len(self.frames[0]) <= PIECE_BYTES:
            piece.append(self.frames.popleft())
            size += len(piece[-1])
        return b"".join(piece)

    def __len__(self) -> int:
        """Return the number of bytes that `take` has not returned yet."""
        return sum(len(frame) for frame in self.frames)

    def __repr__(self) -> str:
        whole = len(self.frames) - (self.begun is not None)
        state = ", in the middle of one" if self.begun is not None else ""
        return f"<SendBuffer {whole} frames{state}, {len(self)} bytes>"
