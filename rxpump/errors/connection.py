"""What can go wrong between us and a server: no connection, no answer, or one that makes no sense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.root import RxPumpError
from rxpump.errors.server import ServerError


@dataclass(eq=False)
class NotConnected(RxPumpError):
    """The client has no open connection to work with, and none is being made."""

    state: str

    def __str__(self) -> str:
        return f"the client is {self.state}; use `async with client` or `await client.connect()` first"


@dataclass(eq=False)
class WrongEventLoop(RxPumpError):
    """The client belongs to the event loop `own` while it is connected, and was called from `running`."""

    client: str
    own: str
    running: str

    def __str__(self) -> str:
        return (
            f"client {self.client!r} belongs to {self.own} and was called from {self.running}; call it in its "
            "own loop (asyncio.run_coroutine_threadsafe), or close it there before you connect it elsewhere"
        )


@dataclass(eq=False)
class ConnectionFailed(RxPumpError):
    """No node at `address` could be reached in `attempts` attempts; `reason` is what the last one met."""

    retryable: ClassVar[bool] = True

    address: str
    attempts: int
    reason: str

    def __str__(self) -> str:
        return f"no connection to {self.address} after {self.attempts} attempt(s): {self.reason}"


class ReconnectFailed(ConnectionFailed):
    """The reconnect policy gave up after `attempts` attempts; `reason` is what the last one met.

    Everything that is under way ends with it, and each later call raises it, until `connect()` is called again.
    """

    retryable: ClassVar[bool] = False


class CertificateRefused(ConnectionFailed):
    """The node at `address` could not prove who it is: its certificate was refused for `reason`."""

    retryable: ClassVar[bool] = False


@dataclass(eq=False)
class ConnectionClosed(RxPumpError):
    """The connection to `address` ended for `reason`; what was in flight has an unknown outcome."""

    retryable: ClassVar[bool] = True

    address: str
    reason: str

    def __str__(self) -> str:
        return f"the connection to {self.address} is closed: {self.reason}"


class ClientClosed(ConnectionClosed):
    """The client was closed while this was under way."""

    retryable: ClassVar[bool] = False


@dataclass(eq=False)
class ConnectionLostRepeatedly(RxPumpError):
    """A request was given up because one connection after the other was lost with it.

    For a write the outcome is unknown: the same events (same ids) may be written again.

    Attributes:
        operation: Name of the request.
        connections: Connections that were lost while this request was being sent or answered.
        reason: Why the last one was lost.
    """

    retryable: ClassVar[bool] = True

    operation: str
    connections: int
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.operation} was given up: {self.connections} connections were lost while it was being sent or "
            f"answered (the last one: {self.reason}); write or read fewer bytes at once"
        )


@dataclass(eq=False)
class OperationTimedOut(RxPumpError):
    """`operation` had no final answer within `timeout` seconds.

    If `attempts` is 0, the request was never sent, and nothing was done. Otherwise the outcome of a write is unknown:
    the same events (with the same ids) may be written again.

    Attributes:
        operation: What was asked for.
        timeout: Seconds from the call to its deadline.
        attempts: How often the request was sent.
        reason: The last refusal of the server (NotReady, CommitTimeout, ...); None if it sent no answer.
        is_connected: Whether there was a connection to the server at the deadline.
        hint: What it may mean that there was no answer, for requests that servers are known to leave unanswered.
    """

    retryable: ClassVar[bool] = True

    operation: str
    timeout: float
    attempts: int
    reason: ServerError | None = None
    is_connected: bool = True
    hint: str = ""

    def __str__(self) -> str:
        heard = f"the last answer was: {self.reason}" if self.reason else "there was no answer"
        sent = f"sent {self.attempts} time(s), {heard}" if self.attempts else "it was never sent"
        state = "" if self.is_connected else "; there is no connection to the server"
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.operation} was not done within {self.timeout:g} s: {sent}{state}{hint}"


@dataclass(eq=False)
class ProtocolError(RxPumpError):
    """The other side sent what the protocol does not allow."""


@dataclass(eq=False)
class MalformedFrame(ProtocolError):
    """A frame that is no package: too short, or with credentials that do not fit."""

    reason: str

    def __str__(self) -> str:
        return f"malformed frame: {self.reason}"


@dataclass(eq=False)
class FrameTooLarge(ProtocolError):
    """A frame of `size` bytes, where `limit` is what a receiver takes (docs/protocol/tcp.md, section 1.1).

    `correlation_id` is the package's, once enough of it has been seen, else None. A reply this large
    comes from asking for too many large events at once: ask for fewer.
    """

    size: int
    limit: int
    correlation_id: bytes | None = None

    def __str__(self) -> str:
        return f"a frame of {self.size} bytes is over the limit of {self.limit}"


@dataclass(eq=False)
class MalformedReply(ProtocolError):
    """The reply to `operation` does not parse, for `reason`."""

    operation: str
    reason: str

    def __str__(self) -> str:
        return f"the reply to {self.operation} does not parse: {self.reason}"


@dataclass(eq=False)
class UnexpectedReply(ProtocolError):
    """`operation` was answered by `command`, which is no answer to it."""

    operation: str
    command: str

    def __str__(self) -> str:
        return f"{self.operation} was answered by {self.command}"
