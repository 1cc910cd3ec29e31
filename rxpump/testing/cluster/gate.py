"""A port that forwards connections to a server, and that can delay bytes, close connections, and refuse them.

The port stays the same when the server restarts on another port. A gate does not depend on a protocol, so that TCP,
HTTP and gRPC clients of a node see the same failures.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

from rxpump.server.listening import stop_listening

HOST: Final = "127.0.0.1"
"""Host of all gates and of their servers."""


class Gate:
    """A forwarding port in front of one port of a node.

    Attributes:
        port: Port for clients; chosen by `reserve` or when the gate first opens, and the same from then on.
        is_hanging: Whether connections are accepted, but no bytes are forwarded.
    """

    def __init__(self) -> None:
        self.port: int = 0
        self.is_hanging: bool = False
        self._target = 0
        self._listener: asyncio.Server | None = None
        self._reservation: socket.socket | None = None
        self._ends: set[_End] = set()
        self._waiting: list[_End] = []
        self._dials: set[asyncio.Task[None]] = set()
        self._lost = asyncio.Event()

    async def open(self, target: int) -> None:
        """Accept connections, and forward each of them to the port `target`."""
        self._target = target
        self.release()
        self._listener = await asyncio.get_running_loop().create_server(self._accept, HOST, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse new connections, and close open ones at once.

        A socket that does not listen reserves the port, so that no other program takes it before the next `open`.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            await stop_listening(listener)
            self.reserve()
        self.is_hanging = False
        for dial in self._dials:
            dial.cancel()
        if self._dials:
            await asyncio.wait(self._dials)
        self.cut()
        while self._ends:
            self._lost.clear()
            await self._lost.wait()

    def reserve(self) -> None:
        """Let no other program take the port of a closed gate; choose a free port if it was never open."""
        self._reservation = socket.socket()
        self._reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reservation.bind((HOST, self.port))
        self.port = self._reservation.getsockname()[1]

    def release(self) -> None:
        """Let other programs take the port of a closed gate."""
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None

    def hang(self) -> None:
        """Stop forwarding bytes. Connections stay open, and new ones are accepted."""
        self.is_hanging = True
        for end in self._ends:
            end.update()

    def resume(self) -> None:
        """Forward the delayed bytes, and all further ones."""
        self.is_hanging = False
        for end in self._ends:
            end.update()
        waiting, self._waiting = self._waiting, []
        for end in waiting:
            self._dial(end)

    def cut(self) -> None:
        """Close all connections at once."""
        self._waiting.clear()
        for end in tuple(self._ends):
            end.transport.abort()

    def _accept(self) -> _End:
        return _End(self, self._accepted)

    def _accepted(self, end: _End) -> None:
        if self.is_hanging:
            self._waiting.append(end)
        elif self._listener is not None:
            self._dial(end)

    def _dial(self, end: _End) -> None:
        dial = asyncio.get_running_loop().create_task(self._connect(end))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    async def _connect(self, end: _End) -> None:
        """Open the connection to the server for a client."""
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _End(self, end.join), HOST, self._target)
        except OSError:  # The server has stopped.
            end.transport.abort()

    def opened(self, end: _End) -> None:
        """Add one end of a connection. Close it if the gate was closed meanwhile."""
        self._ends.add(end)
        if self._listener is None:
            end.transport.abort()

    def lost(self, end: _End) -> None:
        """Remove one end of a connection, which was lost."""
        self._ends.discard(end)
        self._lost.set()
        if end in self._waiting:
            self._waiting.remove(end)

    def __repr__(self) -> str:
        state = "closed" if self._listener is None else "hanging" if self.is_hanging else "open"
        return f"<Gate {HOST}:{self.port}, {state}, {len(self._ends)} ends>"


class _End(asyncio.Protocol):
    """One end of a connection through a gate. It reads only while the other end can write."""

    def __init__(self, gate: Gate, made: Callable[[_End], None]) -> None:
        self._gate = gate
        self._made = made
        self._peer: _End | None = None
        self._held = b""
        self._is_full = False
        self._is_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = cast(asyncio.Transport, transport)
        self.transport.pause_reading()
        self._gate.opened(self)
        self._made(self)

    def join(self, other: _End) -> None:
        """Forward the bytes of each end to the other one."""
        self._peer, other._peer = other, self
        if self.transport.is_closing():
            other.transport.abort()
        self.update()
        other.update()

    def update(self) -> None:
        """Start or stop to read: an end reads while the gate forwards bytes and the other end can write."""
        if self.transport.is_closing():
            return
        peer = self._peer
        if peer is None or peer._is_full or self._gate.is_hanging:
            if not self._is_ended:
                self.transport.pause_reading()
            return
        if self._held:
            held, self._held = self._held, b""
            peer.transport.write(held)
        if not self._is_ended:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._peer is None or self._gate.is_hanging:  # uvloop reads once although reading was paused
            self._held += data
            self.update()
        else:
            self._peer.transport.write(data)

    def eof_received(self) -> bool:
        self._is_ended = True
        peer = self._peer
        if peer is not None and not peer.transport.is_closing():
            peer.transport.write_eof()
            if peer._is_ended:  # Both sides have sent everything.
                peer.transport.close()
                return False
        return True

    def pause_writing(self) -> None:
        self._is_full = True
        if self._peer is not None:
            self._peer.update()

    def resume_writing(self) -> None:
        self._is_full = False
        if self._peer is not None:
            self._peer.update()

    def connection_lost(self, error: Exception | None) -> None:
        self._gate.lost(self)
        if self._peer is not None and not self._peer.transport.is_closing():
            if error is None:
                self._peer.transport.close()
            else:
                self._peer.transport.abort()
