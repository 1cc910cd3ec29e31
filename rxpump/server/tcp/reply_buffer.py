"""What a session still has to send.

Packages of one turn of the loop leave in one write. What the client does not read piles up in the
transport; `unsent` counts it, and at MAX_UNSENT_BYTES the client has to go (docs/protocol/tcp.md, section 4.17).
"""

from __future__ import annotations

import asyncio
from typing import Final

from rxpump.model.limits import MAX_EVENT_BYTES

MAX_UNSENT_BYTES: Final = 10 * 1024 * 1024 + MAX_EVENT_BYTES
"""As on a real server, and one event of the largest size: no client is cut for asking for one."""

_TURN_BYTES = 256 * 1024  # more than this is not held back to the end of a turn


class ReplyBuffer:
    """Gathers frames, and writes them to `transport`."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._frames: list[bytes] = []
        self._gathered = 0
        self._put = 0

    @property
    def unsent(self) -> int:
        """How many bytes the operating system has not taken yet."""
        return self._gathered + self._transport.get_write_buffer_size()

    @property
    def taken(self) -> int:
        """How many bytes the operating system has taken since the beginning."""
        return self._put - self.unsent

    def put(self, frame: bytes) -> None:
        """Send `frame`, or several, by the end of this turn of the loop."""
        if not self._frames:
            self._loop.call_soon(self.flush)
        self._frames.append(frame)
        self._gathered += len(frame)
        self._put += len(frame)
        if self._gathered > _TURN_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered, now."""
        if self._frames:
            frames, self._frames, self._gathered = self._frames, [], 0
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))
