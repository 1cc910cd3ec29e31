"""Frames that wait for the socket, and the pieces in which the socket receives them.

The socket receives one piece at a time, and only while its buffer is not full. Urgent frames can therefore be sent
before waiting ones, but not in the middle of a frame, because the bytes of a frame are contiguous. Each piece that
the socket accepts shows that the server still reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

PIECE_BYTES: Final = 128 * 1024
"""Bytes of the largest piece; on a link of 1 MB/s it is sent in an eighth of a second."""

_ID = slice(6, 22)  # bytes of a frame that contain the correlation id


class SendBuffer:
    """Frames in the order in which they are sent."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._begun: bytes | None = None
        self._offset = 0

    @property
    def begun(self) -> bytes | None:
        """Correlation id of the frame of which a part was sent; None between two frames."""
        return None if self._begun is None else self._begun[_ID]

    def put(self, frames: Iterable[bytes]) -> None:
        """Add frames at the end."""
        self._frames.extend(frames)

    def put_first(self, frames: list[bytes]) -> None:
        """Add frames before all others of which no part was sent."""
        self._frames.extendleft(reversed(frames))

    def drop(self) -> None:
        """Remove the frames of which no part was sent."""
        self._frames.clear()

    def take(self) -> bytes | memoryview | None:
        """Remove and return the next piece, or None if there is none.

        Small frames are joined into one piece. A frame of more than PIECE_BYTES is split.
        """
        if self._begun is None:
            if not self._frames:
                return None
            if len(self._frames[0]) <= PIECE_BYTES:
                return self._take_whole()
            self._begun, self._offset = self._frames.popleft(), 0
        frame, start = self._begun, self._offset
        self._offset = start + PIECE_BYTES
        if self._offset >= len(frame):
            self._begun = None
        return memoryview(frame)[start : start + PIECE_BYTES]

    def _take_whole(self) -> bytes:
        frames = [self._frames.popleft()]
        size = len(frames[0])
        while self._frames and size + len(self._frames[0]) <= PIECE_BYTES:
            frames.append(self._frames.popleft())
            size += len(frames[-1])
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def __len__(self) -> int:
        """Return the number of bytes that `take` has not returned yet."""
        begun = 0 if self._begun is None else len(self._begun) - self._offset
        return begun + sum(len(frame) for frame in self._frames)

    def __repr__(self) -> str:
        state = ", in the middle of one" if self._begun is not None else ""
        return f"<SendBuffer {len(self._frames)} frames{state}, {len(self)} bytes>"
