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
class ConnectionFailed(RxPumpError):
    """No node at `address` could be reached in `attempts` attempts; `reason` is what the last one met."""

    retryable: ClassVar[bool] = True

    address: str
    attempts: int
    reason: str

    def __str__(self) -> str:
        return f"no connection to {self.address} after {self.attempts} attempt(s): {self.reason}"


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
class OperationTimedOut(RxPumpError):
    """`operation` had no final answer within `timeout` seconds, in `attempts` attempts.

    `reason` is the last refusal heard (NotReady, CommitTimeout, ...), or None where there was silence.
    For a write the outcome is unknown: the same events (same ids) may be written again.
    """

    retryable: ClassVar[bool] = True

    operation: str
    timeout: float
    attempts: int
    reason: ServerError | None = None

    def __str__(self) -> str:
        heard = f"the last answer was: {self.reason}" if self.reason else "nothing was heard"
        return f"{self.operation} was not done within {self.timeout:g} s ({self.attempts} attempt(s); {heard})"


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
