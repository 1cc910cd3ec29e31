"""Ping: answered with the same payload."""

from __future__ import annotations

from rxpump.server.request import Request
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.wire.commands import Command


def ping(request: Request, store: SqliteStore) -> None:
    """Answer a Ping."""
    request.reply(Command.PONG, request.payload)
