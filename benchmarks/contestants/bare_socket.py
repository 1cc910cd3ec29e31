"""A blocking socket that sends and receives the frames of the TCP protocol. The contestants floor and sink use it."""

from __future__ import annotations

import os
import socket
from typing import Any

from benchmarks.contestants.job import Job
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command

_HEADER_BYTES = 18

Reply = tuple[int, bytes, bytes]
"""Command, correlation id and payload of a package."""


class BareSocket:
    """A connection that is identified, authenticated if the job has a login, and that replies to heartbeats."""

    def __init__(self, job: Job) -> None:
        self._socket = socket.create_connection((job.host, job.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming = self._socket.makefile("rb", 1024 * 1024)
        if job.login is not None:
            login, password = job.login.encode(), (job.password or "").encode()
            body = b"%c%b%c%b" % (len(login), login, len(password), password)
            self._send(Command.AUTHENTICATE, 1, os.urandom(16), body)
            self.receive()
        self.send(Command.IDENTIFY_CLIENT, schema.IdentifyClient(version=1, connection_name="floor"))
        self.receive()

    def send(self, command: int, message: Any) -> None:
        """Send a message as a package."""
        self._send(command, 0, os.urandom(16), message.SerializeToString())

    def receive(self) -> Reply:
        """Return the next package that is not a heartbeat."""
        read = self._incoming.read
        while True:
            frame = read(int.from_bytes(read(4), "little"))
            if not frame:
                raise ConnectionError("the server closed the connection")
            command = frame[0]
            if command != Command.HEARTBEAT_REQUEST:
                return command, frame[2:_HEADER_BYTES], frame[_HEADER_BYTES:]
            self._send(Command.HEARTBEAT_RESPONSE, 0, frame[2:_HEADER_BYTES], b"")

    def _send(self, command: int, flags: int, correlation_id: bytes, payload: bytes) -> None:
        length = _HEADER_BYTES + len(payload)
        self._socket.sendall(b"%b%c%c%b%b" % (length.to_bytes(4, "little"), command, flags, correlation_id, payload))

    def __enter__(self) -> BareSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._incoming.close()
        self._socket.close()
