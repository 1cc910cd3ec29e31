"""The streams of a connection: those that are open, and those that closed last."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from typing import Final

from rxpump.grpc.http2.frames import MAX_STREAM_ID
from rxpump.grpc.http2.stream import Action, Http2Stream, Http2StreamState


class Role(Enum):
    """Side of a connection. The value is the lowest number of a stream that the side opens."""

    CLIENT = 1
    SERVER = 2


class Closing(Enum):
    """The way in which a stream closed."""

    ENDED = "both sides ended it"
    RESET_HERE = "this endpoint reset it"
    RESET_BY_PEER = "the peer reset it"


REMEMBERED: Final = 256
"""Number of closed streams whose ends are stored."""


class StreamTable:
    """Streams of one connection.

    Server push is switched off, so all streams are opened by the client.

    Args:
        role: Role of this endpoint.

    Attributes:
        open: Streams that are not closed, by number.
        last_id: Highest number of a stream that was opened.
    """

    __slots__ = ("_closed", "last_id", "open", "role")

    def __init__(self, role: Role) -> None:
        self.role: Role = role
        self.open: dict[int, Http2Stream] = {}
        self.last_id: int = 0
        self._closed: OrderedDict[int, Closing] = OrderedDict()

    @property
    def next_id(self) -> int:
        """Number of the next stream that this client opens, or 0 if none is left."""
        following = self.last_id + 2 if self.last_id else Role.CLIENT.value
        return following if following <= MAX_STREAM_ID else 0

    def is_idle(self, stream_id: int) -> bool:
        """Return whether a stream has never been opened. Streams of a server are always idle."""
        return stream_id > self.last_id or stream_id % 2 == 0

    def add(self, stream: Http2Stream) -> None:
        """Add a stream that was opened now."""
        self.open[stream.id] = stream
        self.last_id = stream.id

    def closing(self, stream_id: int) -> Closing | None:
        """Return the way in which a stream closed, or None if it was never open or its end is no longer stored."""
        return self._closed.get(stream_id)

    def note_end(self, stream_id: int) -> None:
        """Record that the peer has ended a stream that this endpoint reset, so that no frames can follow."""
        self._remember(stream_id, Closing.ENDED)

    def remove_ended(self, stream: Http2Stream) -> None:
        """Remove a stream from the open ones if both sides have ended it."""
        if stream.state is Http2StreamState.CLOSED and stream.id in self.open:
            del self.open[stream.id]
            self._remember(stream.id, Closing.ENDED)

    def reset(self, stream_id: int, closing: Closing) -> Http2Stream | None:
        """Store that a stream was reset.

        Args:
            stream_id: Number of the stream, which may never have been open.
            closing: The side that reset it.

        Returns:
            The stream, or None if it was not open.
        """
        stream = self.open.pop(stream_id, None)
        if stream is not None:
            stream.apply(Action.RESET)
        self.last_id = max(self.last_id, stream_id)
        self._remember(stream_id, closing)
        return stream

    def _remember(self, stream_id: int, closing: Closing) -> None:
        self._closed[stream_id] = closing
        self._closed.move_to_end(stream_id)
        if len(self._closed) > REMEMBERED:
            self._closed.popitem(last=False)

    def __len__(self) -> int:
        return len(self.open)

    def __repr__(self) -> str:
        return f"<StreamTable of a {self.role.name.lower()}, {len(self.open)} open, last {self.last_id}>"
