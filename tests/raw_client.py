"""A client without logic: it sends packages, and returns the received packages in order."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

from rxpump.model.credentials import Credentials
from rxpump.server import EmbeddedServer
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package

ADMIN = Credentials("admin", "changeit")
OPS = Credentials("ops", "changeit")


class RawClient:
    """A connection to a server: `async with RawClient.to(server) as client`. It does not reply to heartbeats."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._framer = Framer()
        self._received: list[Package] = []

    @classmethod
    def to(cls, server: EmbeddedServer) -> Self:
        return cls(server.host, server.port)

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def send(
        self, command: int, payload: Any = b"", *, id: bytes | None = None, user: Credentials | None = None
    ) -> bytes:
        """Send a package, and return its correlation id.

        Args:
            command: The command.
            payload: A message, or encoded bytes.
            id: The correlation id. None: a new one.
            user: Credentials for this request.
        """
        correlation_id = uuid4().bytes_le if id is None else id
        content = payload if isinstance(payload, bytes) else payload.SerializeToString()
        self.writer.write(Package(command, correlation_id, content, user).encode())
        return correlation_id

    async def receive(self) -> Package | None:
        """Return the next package, or None if the server has closed the connection."""
        while not self._received:
            try:
                data = await self.reader.read(1 << 16)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self._received += self._framer.feed(data)
            assert self._framer.failure is None
        return self._received.pop(0)

    async def expect_package(self) -> Package:
        """Return the next package; fail if the server closes the connection first."""
        package = await self.receive()
        assert package is not None, "the server closed the connection"
        return package

    async def leave(self) -> None:
        """Close this side of the connection, and wait until the server closes its side."""
        self.writer.write_eof()
        while await self.receive() is not None:
            pass

    def pause_reading(self) -> None:
        """Stop reading from the socket."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    @property
    def has_unread_bytes(self) -> bool:
        return bool(self.reader._buffer)  # type: ignore[attr-defined]

    @property
    def _transport(self) -> asyncio.ReadTransport:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        return transport

    async def ask(self, command: int, payload: Any = b"", *, user: Credentials | None = None) -> Package:
        """Send a package and return the reply. Discard other packages that arrive before it.

        Raises:
            ConnectionError: The server closed the connection without a reply.
        """
        correlation_id = self.send(command, payload, user=user)
        while (package := await self.receive()) is not None:
            if package.correlation_id == correlation_id:
                return package
        raise ConnectionError("the server closed the connection without a reply")

    async def ask_for(self, message: Any, command: int, payload: Any, *, user: Credentials | None = None) -> Any:
        """Send a package, and return the reply decoded as `message`."""
        package = await self.ask(command, payload, user=user)
        assert package.command not in (Command.BAD_REQUEST, Command.NOT_AUTHENTICATED), package.payload
        return message.FromString(package.payload)
