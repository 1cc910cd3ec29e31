"""Is anybody there?"""

from __future__ import annotations

from rxpump.protocol.operations.operation import Operation
from rxpump.protocol.outcome import Answer
from rxpump.wire.commands import Command


class Ping(Operation[None]):
    """Answered by every node, whatever its state."""

    command = Command.PING
    reply = Command.PONG

    def answer(self, payload: bytes) -> Answer[None]:
        """A Pong says it all."""
        return Answer(None)
