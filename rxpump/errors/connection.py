"""Errors of a connection: it is missing or lost, a reply does not arrive, or a reply breaks the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.root import RxPumpError
from rxpump.errors.server import ServerError


@dataclass(eq=False)
class NotConnected(RxPumpError):
    """The client is not connected, and is not connecting either.

    Attributes:
        state: State of the client, for example "not connected" or "closed".
    """

    state: str

    def __str__(self) -> str:
        return f"the client is {self.state}; use `async with client` or `await client.connect()` first"


@dataclass(eq=False)
class WrongEventLoop(RxPumpError):
    """A connected client was called from another event loop, or from a thread without one.

    Attributes:
        client: Name of the client.
        own: Description of the event loop that the client was connected in.
        running: Description of the event loop or thread of the call.
    """

    client: str
    own: str
    running: str

    def __str__(self) -> str:
        return (
            f"client {self.client!r} belongs to {self.own} and was called from {self.running}; call it in its "
            "own loop (asyncio.run_coroutine_threadsafe), or close it there before you connect it elsewhere"
        )


@dataclass(eq=False)
class NotOwner(RxPumpError):
    """A method was called that only the owner of the connection has, on a client that `as_user` returned.

    The method is `connect` or `close`. It has done nothing.

    Attributes:
        action: Name of the method that was called.
        client: Name of the client that owns the connection.
        login: Login of the client that was called.
    """

    action: str
    client: str
    login: str

    def __str__(self) -> str:
        return (
            f"{self.action}() was called on a client for user {self.login!r}, which uses the connection of client "
            f"{self.client!r}; call {self.action}() on that client"
        )


@dataclass(eq=False)
class ConnectionFailed(RxPumpError):
    """No node could be connected to.

    Attributes:
        address: Address of the last attempt.
        attempts: Attempts that were made.
        reason: Why the last attempt failed.
    """

    retryable: ClassVar[bool] = True

    address: str
    attempts: int
    reason: str

    def __str__(self) -> str:
        return f"no connection to {self.address} after {self.attempts} attempt(s): {self.reason}"


class ReconnectFailed(ConnectionFailed):
    """A connection was lost, and the reconnect policy allows no further attempt.

    Every pending request and subscription ends with this error, and each later call raises it, until `connect()` is
    called again.
    """

    retryable: ClassVar[bool] = False


class DiscoveryFailed(ConnectionFailed):
    """No node of a cluster can be connected to now; `reason` contains the answer of each node."""

    def __str__(self) -> str:
        return f"no node of {self.address} can be used, after {self.attempts} attempt(s): {self.reason}"


class NoNodeReady(ReconnectFailed):
    """No node handled a request of a subscription, publisher or relay as often as the reconnect policy allows.

    `address` is the name of the request.
    """

    def __str__(self) -> str:
        return f"no node handled {self.address}, after {self.attempts} attempt(s): {self.reason}"


class CertificateRefused(ConnectionFailed):
    """The certificate of the node is not trusted; `reason` is the cause."""

    retryable: ClassVar[bool] = False


@dataclass(eq=False)
class ConnectionClosed(RxPumpError):
    """The connection was lost before a reply arrived. The outcome of a request that was in flight is unknown.

    Attributes:
        address: Address of the node.
        reason: Why the connection was lost.
    """

    retryable: ClassVar[bool] = True

    address: str
    reason: str

    def __str__(self) -> str:
        return f"the connection to {self.address} is closed: {self.reason}"


class ClientClosed(ConnectionClosed):
    """The client was closed before a request or subscription completed."""

    retryable: ClassVar[bool] = False


@dataclass(eq=False)
class CallInterrupted(ConnectionClosed):
    """A call ended without a result, although its connection is still open. A proxy can be the cause.

    The client repeats the call as after a lost connection, but with the delays of `Settings.retry`.

    Attributes:
        operation: Description of the request.
    """

    operation: str

    def __str__(self) -> str:
        return f"{self.operation} was interrupted by {self.address} or a proxy before it: {self.reason}"


@dataclass(eq=False)
class RequestInterrupted(ConnectionClosed):
    """A request was interrupted that is not repeated, because a second execution can have another effect or result.

    Attributes:
        operation: Description of the request.
    """

    retryable: ClassVar[bool] = False

    operation: str

    def __str__(self) -> str:
        return (
            f"{self.operation} was interrupted before {self.address} answered ({self.reason}); it is unknown whether "
            "the server executed it, so find that out before you repeat it"
        )


@dataclass(eq=False)
class ConnectionLostRepeatedly(RxPumpError):
    """A request failed because several connections in a row were lost during it.

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
            f"{self.operation} failed: {self.connections} connections were lost while it was being sent or "
            f"answered (the last one: {self.reason}); write or read fewer bytes at once"
        )


@dataclass(eq=False)
class OperationTimedOut(RxPumpError):
    """No final reply to a request arrived within its deadline.

    If `attempts` is 0, the request was never sent, and nothing was done. Otherwise the outcome of a write is unknown:
    the same events (with the same ids) may be written again.

    Attributes:
        operation: Description of the request.
        timeout: Seconds from the call to its deadline.
        attempts: Times that the request was sent.
        reason: The last refusal of the server (NotReady, ServerTimeout, ...); None if it sent no answer.
        is_connected: Whether there was a connection to the server at the deadline.
        hint: A likely cause, for requests that servers are known to leave unanswered; otherwise empty.
        nodes: Recent answer of each node; empty if there is nothing to report.
    """

    retryable: ClassVar[bool] = True

    operation: str
    timeout: float
    attempts: int
    reason: ServerError | None = None
    is_connected: bool = True
    hint: str = ""
    nodes: str = ""

    def __str__(self) -> str:
        answer = f"the last answer was: {self.reason}" if self.reason else "there was no answer"
        sent = f"sent {self.attempts} time(s), {answer}" if self.attempts else "it was never sent"
        state = "" if self.is_connected else "; there is no connection to the server"
        details = "".join(f"; {text}" for text in (self.hint, self.nodes) if text)
        return f"{self.operation} was not done within {self.timeout:g} s: {sent}{state}{details}"


@dataclass(eq=False)
class ProtocolError(RxPumpError):
    """Base class of errors for bytes that break the protocol."""


@dataclass(eq=False)
class MalformedFrame(ProtocolError):
    """A frame is malformed: it is too short, or its credentials do not fit into it.

    Attributes:
        reason: Description of the fault.
    """

    reason: str

    def __str__(self) -> str:
        return f"malformed frame: {self.reason}"


@dataclass(eq=False)
class FrameTooLarge(ProtocolError):
    """A frame is larger than its receiver accepts (docs/protocol/tcp.md, section 1.1).

    A reply can be too large because the request was for too many large events. Then request fewer.

    Attributes:
        size: Bytes of the frame.
        limit: Bytes of the largest frame that is accepted.
        correlation_id: Correlation id of the frame; None if it was not received before the error.
    """

    size: int
    limit: int
    correlation_id: bytes | None = None

    def __str__(self) -> str:
        return f"a frame of {self.size} bytes is over the limit of {self.limit}"


@dataclass(eq=False)
class MalformedReply(ProtocolError):
    """A reply cannot be parsed.

    Attributes:
        operation: Description of the request.
        reason: Description of the fault.
    """

    operation: str
    reason: str

    def __str__(self) -> str:
        return f"the reply to {self.operation} cannot be parsed: {self.reason}"


@dataclass(eq=False)
class UnexpectedReply(ProtocolError):
    """The server sent a reply of another kind than the request allows.

    Attributes:
        operation: Description of the request.
        command: Name of the command of the reply.
    """

    operation: str
    command: str

    def __str__(self) -> str:
        return f"the reply to {self.operation} is {self.command}, which this request does not allow"
