"""Check that the server answers."""

from __future__ import annotations

from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Success
from rxpump.tcp.wire.commands import Command


class Ping(Operation[None]):
    """The request Ping. Every node answers it, in every state.

    Args:
        purpose: Name of the call that needs the reply, for errors; empty for a ping itself.
    """

    command = Command.PING
    reply = Command.PONG

    def __init__(self, purpose: str = "") -> None:
        self._purpose = purpose

    def answer(self, payload: bytes) -> Success[None]:
        """Return success."""
        return Success(None)

    def __str__(self) -> str:
        return self._purpose or super().__str__()
