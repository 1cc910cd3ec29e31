"""Which way a stream is read."""

from enum import Enum


class StreamDirection(Enum):
    """FORWARD: oldest first. BACKWARD: newest first. Every usual spelling names the same two."""

    FORWARD = "forward"
    BACKWARD = "backward"

    Forward = FORWARD
    Backward = BACKWARD
    forward = FORWARD
    backward = BACKWARD
