"""Ping: reply with the same payload."""

from __future__ import annotations

from rxpump.server.node import Node
from rxpump.server.tcp.request import Request
from rxpump.tcp.wire.commands import Command


def ping(request: Request, node: Node) -> None:
    """Answer a Ping."""
    request.reply(Command.PONG, request.payload)
