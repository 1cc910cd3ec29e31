"""Frames that were not given to the socket yet, and the pieces in which it gets them.

A frame is contiguous on the wire, so nothing can pass a frame that is begun. Everything else is decided as late as
possible: the socket gets one piece at a time, and only while it has room. So what is more urgent passes what is not
begun, and a socket that takes pieces shows that its other side is alive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

PIECE_BYTES: Final = 128 * 1024
"""Bytes that the socket gets at once; on a link of 1 MB/s they leave in an eighth of a second."""

_ID = slice(6, 22)  # where a frame has its correlation id: after its length, its command and its flags


class SendBuffer:
    """Frames in the order in which they leave."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._begun: bytes | None = None
        self._offset = 0

    @property
    def begun(self) -> bytes | None:
        """Correlation id of the frame of which a part has been taken, None between two frames."""
        return None if self._begun is None else self._begun[_ID]

    def put(self, frames: Iterable[bytes]) -> None:
        """Add frames after all others."""
        self._frames.extend(frames)

    def put_first(self, frames: list[bytes]) -> None:
        """Add frames before all others that are not begun."""
        self._frames.extendleft(reversed(frames))

    def drop(self) -> None:
        """Forget the frames that are not begun."""
        self._frames.clear()

    def take(self) -> bytes | memoryview | None:
        """Remove the next piece and return it, None when there is none.

        Small frames are joined into one piece; a frame of more than `PIECE_BYTES` is cut.
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
        """Bytes that were not taken yet."""
        begun = 0 if self._begun is None else len(self._begun) - self._offset
        return begun + sum(len(frame) for frame in self._frames)

    def __repr__(self) -> str:
        state = ", in the middle of one" if self._begun is not None else ""
        return f"<SendBuffer {len(self._frames)} frames{state}, {len(self)} bytes>"
