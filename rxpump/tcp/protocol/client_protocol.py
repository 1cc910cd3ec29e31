"""The client's side of one connection: authentication, identification and heartbeats.

A ClientProtocol is created for each socket. It authenticates and identifies the client in the same order as other
clients (docs/protocol/tcp.md, section 4.12). Then it returns packages, answers heartbeats and sends its own.

    AUTHENTICATING ──Authenticated──▶ IDENTIFYING ──ClientIdentified──▶ READY
      (only with         │                 │                              │
       credentials)      └──refused, silent, garbage, no heartbeat────────┴──▶ CLOSED

Bytes and the time go in; bytes, packages and the next deadline come out. No method raises: when the connection must
close, `failure` is the error.
"""

from __future__ import annotations

import os
from enum import Enum

from rxpump.errors import BadRequest, ConnectionClosed, NotAuthenticated, NotReady, RxPumpError
from rxpump.heartbeat import Heartbeat, Pulse
from rxpump.model.credentials import AnyCredentials
from rxpump.settings import Settings
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package

CLIENT_VERSION = 1
"""Protocol version. Version 0 has event numbers of 32 bits, and servers refuse version 2 (docs/protocol/tcp.md,
section 4.12)."""

_NO_REQUEST = bytes(16)
"""Correlation id of a refusal that concerns the whole connection."""


class ProtocolState(Enum):
    """State of a connection."""

    AUTHENTICATING = "authenticating"
    IDENTIFYING = "identifying"
    READY = "ready"
    CLOSED = "closed"


_OWN_COMMANDS = {Command.HEARTBEAT_REQUEST, Command.HEARTBEAT_RESPONSE, Command.BAD_REQUEST}
"""Commands of packages that can concern the connection itself when it is ready."""

_EXPECTED = {
    ProtocolState.AUTHENTICATING: (Command.AUTHENTICATED, ProtocolState.IDENTIFYING),
    ProtocolState.IDENTIFYING: (Command.CLIENT_IDENTIFIED, ProtocolState.READY),
}
"""The reply that each state waits for, and the next state."""


class ClientProtocol:
    """The client's side of one connection.

    Args:
        address: Address of the node, for errors.
        settings: Settings of the client.
        credentials: Credentials of the connection, or None.
        now: Current time in seconds.
        handshake_timeout: Seconds for the handshake; None for `connect_timeout` of the settings.

    Attributes:
        failure: The error that ended the connection, or None.
        has_changed: Whether the state has changed, or there are bytes to send, since the last `bytes_to_send`.
        lost_while: State in which the socket was closed, or None.
        state: Current state.
    """

    def __init__(
        self,
        address: str,
        settings: Settings,
        credentials: AnyCredentials | None,
        now: float,
        handshake_timeout: float | None = None,
    ) -> None:
        self.address = address
        self.failure: RxPumpError | None = None
        self.has_changed: bool = False
        self.lost_while: ProtocolState | None = None
        self.state = ProtocolState.AUTHENTICATING if credentials else ProtocolState.IDENTIFYING
        self._settings = settings
        self._credentials = credentials
        self._framer = Framer(settings.max_frame_bytes)
        self._heartbeat = Heartbeat(settings.heartbeat_interval, settings.heartbeat_timeout, now)
        self._handshake_deadline = now + (handshake_timeout or settings.connect_timeout)
        self._out: list[bytes] = []
        self._send_handshake()

    @property
    def deadline(self) -> float:
        """Time at which `tick` must be called."""
        if self.state is ProtocolState.CLOSED:
            return float("inf")
        if self.state is ProtocolState.READY:
            return self._heartbeat.deadline
        return min(self._heartbeat.deadline, self._handshake_deadline)

    @property
    def receiving(self) -> bytes | None:
        """Correlation id of the incomplete frame, or None."""
        return self._framer.begun

    def receive(self, data: bytes) -> list[Package]:
        """Receive bytes, and return the packages that are replies to requests."""
        self._heartbeat.note_bytes()
        packages = []
        for package in self._framer.feed(data):
            is_reply = self.state is ProtocolState.READY and package.command not in _OWN_COMMANDS
            if is_reply or not self._handles(package):
                packages.append(package)
        if self._framer.failure is not None:
            self._close(self._framer.failure)
        return packages

    def progressed(self) -> None:
        """Start the heartbeat interval again, because the server has accepted waiting bytes and so is alive."""
        self._heartbeat.note_bytes()

    def tick(self, now: float) -> None:
        """Apply the current time."""
        if self.state is ProtocolState.CLOSED:
            return
        if self.state in _EXPECTED and now >= self._handshake_deadline:
            self._close(self._gone(f"no reply while {self.state.value}"))
        match self._heartbeat.tick(now):
            case Pulse.ASKED:
                self._send(Command.HEARTBEAT_REQUEST)
            case Pulse.DEAD:
                heartbeat = self._heartbeat
                self._close(self._gone(f"no bytes were received for {heartbeat.interval + heartbeat.timeout:g} s"))

    def lost(self, reason: str) -> None:
        """Set the state to CLOSED, because the socket was closed."""
        if self.lost_while is None:
            self.lost_while = self.state
        self._close(self._gone(reason))

    def bytes_to_send(self) -> list[bytes]:
        """Remove and return the frames of the handshake and the heartbeats that are to be sent."""
        out, self._out = self._out, []
        self.has_changed = False
        return out

    def _handles(self, package: Package) -> bool:
        """Handle a package that is no reply to a request; return False for any other."""
        match package.command:
            case Command.HEARTBEAT_REQUEST:
                self._put(Package(Command.HEARTBEAT_RESPONSE, package.correlation_id))
                return True
            case Command.HEARTBEAT_RESPONSE:
                return True
            case Command.BAD_REQUEST if package.correlation_id == _NO_REQUEST:
                self._close(BadRequest("the connection", package.text))
                return True
        if self.state is ProtocolState.READY:
            return False
        self._handshake(package)
        return True

    def _handshake(self, package: Package) -> None:
        expected = _EXPECTED.get(self.state)
        if expected is None:
            return
        command, following = expected
        if package.command == command:
            self.state = following
            self.has_changed = True
            self._send_handshake()
        elif package.command == Command.NOT_AUTHENTICATED:
            login = self._credentials.login if self._credentials else None
            self._close(NotAuthenticated(login, package.text))
        elif package.command == Command.NOT_HANDLED:
            self._close(NotReady(self.state.value))
        elif package.command == Command.BAD_REQUEST:
            self._close(BadRequest(self.state.value, package.text))
        else:
            self._close(self._gone(f"{command_name(package.command)} while {self.state.value}"))

    def _send_handshake(self) -> None:
        if self.state is ProtocolState.AUTHENTICATING:
            self._send(Command.AUTHENTICATE, credentials=self._credentials)
        elif self.state is ProtocolState.IDENTIFYING:
            me = schema.IdentifyClient(version=CLIENT_VERSION, connection_name=self._settings.name)
            self._send(Command.IDENTIFY_CLIENT, me.SerializeToString())

    def _send(self, command: Command, payload: bytes = b"", credentials: AnyCredentials | None = None) -> None:
        self._put(Package(command, os.urandom(16), payload, credentials))

    def _put(self, package: Package) -> None:
        self._out.append(package.encode())
        self.has_changed = True

    def _gone(self, reason: str) -> ConnectionClosed:
        return ConnectionClosed(self.address, reason)

    def _close(self, failure: RxPumpError) -> None:
        """Close the connection with an error. Later errors are consequences of the first, and are ignored."""
        if self.failure is None:
            self.failure = failure
            self.state = ProtocolState.CLOSED
            self.has_changed = True

    def __repr__(self) -> str:
        why = f": {self.failure}" if self.failure else ""
        return f"<ClientProtocol to {self.address}, {self.state.value}{why}>"
