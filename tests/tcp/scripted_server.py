"""A server for tests. A coroutine of the test, called a script, serves each connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from rxpump.server.listening import stop_listening
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package
from rxpump.uri import TcpAddress


class Gone(Exception):
    """The client closed the connection. The server ignores it if a script does not catch it."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._framer = Framer()
        self._received: list[Package] = []

    async def receive(self) -> Package:
        """Return the next package of any kind. Raise Gone at the end of the connection."""
        while not self._received:
            try:
                data = await self.reader.read(1 << 16)
            except ConnectionError:
                data = b""
            if not data:
                raise Gone
            self._received += self._framer.feed(data)
            assert self._framer.failure is None, self._framer.failure
        return self._received.pop(0)

    async def request(self, command: int | None = None) -> Package:
        """Return the next package that is no heartbeat, and answer heartbeats. Raise Gone at the end."""
        while (package := await self.receive()).command in (Command.HEARTBEAT_REQUEST, Command.HEARTBEAT_RESPONSE):
            if package.command == Command.HEARTBEAT_REQUEST:
                self.reply(package, Command.HEARTBEAT_RESPONSE)
        assert command is None or package.command == command, package
        return package

    async def handshake(self) -> Package:
        """Accept the authentication and identification of the client; return the identification."""
        package = await self.request()
        if package.command == Command.AUTHENTICATE:
            self.reply(package, Command.AUTHENTICATED)
            package = await self.request()
        assert package.command == Command.IDENTIFY_CLIENT, package
        self.reply(package, Command.CLIENT_IDENTIFIED)
        return package

    def reply(self, to: Package, command: int, message: Any = b"") -> None:
        payload = message if isinstance(message, bytes) else message.SerializeToString()
        self.send(Package(command, to.correlation_id, payload).encode())

    def pong(self, to: Package) -> None:
        assert to.command == Command.PING, to
        self.reply(to, Command.PONG)

    def refuse(self, to: Package, reason: NotHandledReason, leader: TcpAddress | None = None) -> None:
        refusal = schema.NotHandled(reason=reason)
        if leader is not None:
            info = schema.LeaderInfo(external_tcp_address=leader.host, external_tcp_port=leader.port)
            refusal.additional_info = info.SerializeToString()
        self.reply(to, Command.NOT_HANDLED, refusal)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def cut(self) -> None:
        """Close the connection without sending anything."""
        self.writer.transport.abort()

    async def until_gone(self) -> None:
        """Answer heartbeats and pings until the client closes the connection."""
        try:
            while True:
                self.pong(await self.request())
        except Gone:
            pass

    async def until_left(self) -> None:
        """Confirm the end of subscriptions, and answer nothing else, until the client closes the connection."""
        try:
            while True:
                package = await self.receive()
                if package.command == Command.UNSUBSCRIBE_FROM_STREAM:
                    self.reply(package, Command.SUBSCRIPTION_DROPPED)
        except Gone:
            pass

    async def until_gone_silently(self) -> None:
        """Answer nothing until the client closes the connection."""
        try:
            while True:
                await self.receive()
        except Gone:
            pass


Script = Callable[[Peer], Awaitable[None]]


class ScriptedServer:
    """A server that runs the next script for each connection, and the last script for all further connections.

    An exception in a script, except Gone, fails the test at once. `accepted` counts the connections.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.accepted = 0
        self._tls = tls
        self._scripts = scripts
        self._players = asyncio.TaskGroup()
        self._playing: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    @property
    def address(self) -> TcpAddress:
        assert self._listener is not None
        return TcpAddress("127.0.0.1", self._listener.sockets[0].getsockname()[1])

    async def __aenter__(self) -> ScriptedServer:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        await self._players.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None
        await stop_listening(self._listener)
        for player in self._playing:
            player.cancel()
        await self._players.__aexit__(kind, error, trace)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
        self.accepted += 1
        peer = Peer(reader, writer)
        playing = self._play(script, peer)
        try:
            player = self._players.create_task(playing)
        except RuntimeError:  # The connection was accepted while the server ended.
            playing.close()
            peer.cut()
            return
        self._playing.add(player)
        player.add_done_callback(self._playing.discard)
        player.add_done_callback(
            lambda _: peer.cut()
        )  # A task that is cancelled before its first step does not run its `finally`.

    async def _play(self, script: Script, peer: Peer) -> None:
        with suppress(Gone):
            await script(peer)


async def good(peer: Peer) -> None:
    """Accept the client, and answer its pings."""
    await peer.handshake()
    await peer.until_gone()


async def close_at_once(peer: Peer) -> None:
    """Close the connection at once."""
    peer.cut()
