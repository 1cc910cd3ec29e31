"""Buffer the replies of a session.

Replies of the same work are sent in one write (see `rxpump.server.trampoline`). Bytes that the client does not read
stay in the transport and are counted. A session with more than MAX_UNSENT_BYTES is closed (docs/protocol/tcp.md,
section 4.17).
"""

from __future__ import annotations

import asyncio
from typing import Final

from rxpump.server.trampoline import Trampoline
from rxpump.tcp.wire.limits import MAX_EVENT_BYTES

MAX_UNSENT_BYTES: Final = 10 * 1024 * 1024 + MAX_EVENT_BYTES
"""Limit of a real server, plus one event of the largest size, which every client may request."""

_FLUSH_BYTES: Final = 256 * 1024
"""Number of buffered bytes above which they are sent before the end of the work."""


class ReplyBuffer:
    """Buffers frames and writes them to a transport.

    Args:
        transport: The transport.
        trampoline: Makes calls at the end of the current work.
    """

    def __init__(self, transport: asyncio.Transport, trampoline: Trampoline) -> None:
        self._transport = transport
        self._trampoline = trampoline
        self._frames: list[bytes] = []
        self._gathered = 0
        self._put = 0

    @property
    def unsent(self) -> int:
        """Bytes that the operating system has not accepted yet."""
        return self._gathered + self._transport.get_write_buffer_size()

    @property
    def taken(self) -> int:
        """Bytes that the operating system has accepted since the connection opened."""
        return self._put - self.unsent

    def put(self, frame: bytes) -> None:
        """Send one or more frames at the end of the current work."""
        if not self._frames:
            self._trampoline.schedule_last(self.flush)
        self._frames.append(frame)
        self._gathered += len(frame)
        self._put += len(frame)
        if self._gathered > _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send the buffered frames now."""
        if self._frames:
            frames, self._frames, self._gathered = self._frames, [], 0
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))
