"""Everything that can go wrong, as one tree.

    RxPumpError
    ├── InvalidArgument             bad input, refused before anything was sent (also a ValueError)
    │   └── InvalidUri
    ├── NotConnected                a verb was used before connect() or after close()
    ├── ConnectionFailed            no connection could be made, or the policy gave up making one
    ├── ConnectionClosed            the connection ended with the request unanswered
    │   └── ClientClosed            because the client was closed
    ├── OperationTimedOut           a request was not answered within its deadline
    ├── ProtocolError               bytes that are not the protocol
    │   ├── MalformedFrame
    │   ├── FrameTooLarge
    │   ├── MalformedReply
    │   └── UnexpectedReply
    ├── BufferOverflow              a source without demand outran a bounded buffer
    ├── NotJson                     an event's data was asked for as JSON and is not
    ├── NotDecodable                an event was asked for as a model that it does not fit
    ├── WorkCancelled               an operator's work was cancelled, and not by its pipeline
    └── ServerError                 the server said no
        ├── BadRequest
        ├── NotAuthenticated
        ├── AccessDenied
        ├── StreamNotFound
        ├── StreamDeleted
        ├── EventNotFound
        ├── ReadFailed
        ├── SubscriptionDropped
        ├── WrongExpectedVersion
        ├── InvalidTransaction
        ├── OutcomeUnknown          the write may or may not have happened
        │   ├── PrepareTimeout
        │   ├── CommitTimeout
        │   └── ForwardTimeout
        └── NotHandled              this node, now: wait, or go elsewhere
            ├── NotReady
            ├── TooBusy
            ├── NotLeader
            └── IsReadOnly

Each error carries what it is about as attributes, and `retryable`: whether the very same request
may succeed later with nothing changed by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(eq=False)
class RxPumpError(Exception):
    """Root of the tree."""

    retryable: ClassVar[bool] = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by fields: an error crosses process borders with all it knows."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


@dataclass(eq=False)
class InvalidArgument(RxPumpError, ValueError):
    """`argument` was `value`; `allowed` says what it may be."""

    argument: str
    value: object
    allowed: str

    def __str__(self) -> str:
        shown = repr(self.value)
        if len(shown) > 80:
            shown = f"{shown[:77]}..."
        return f"{self.argument} is {shown}; allowed is {self.allowed}"


class InvalidUri(InvalidArgument):
    """A connection string, or a part of it, that cannot be understood."""


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
    """A frame of `size` bytes, where `limit` is what a receiver takes (protocol section 1.1).

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


@dataclass(eq=False)
class BufferOverflow(RxPumpError):
    """A bounded buffer of `capacity` items was full, and its source cannot be asked to wait."""

    buffer: str
    capacity: int

    def __str__(self) -> str:
        return (
            f"{self.buffer} holds {self.capacity} items and its source is not one that waits; let an on_backpressure "
            "operator decide what is dropped, or make it of an (async) iterable"
        )


@dataclass(eq=False)
class NotJson(RxPumpError, ValueError):
    """The `part` (data or metadata) of event `number` of `stream` is not JSON, for `reason`."""

    stream: str
    number: int
    part: str
    reason: str

    def __str__(self) -> str:
        return f"the {self.part} of event {self.number}@{self.stream} is not JSON: {self.reason}"


@dataclass(eq=False)
class NotDecodable(RxPumpError, ValueError):
    """Event `number` of `stream`, of type `type`, is no model that it was asked for as, for `reason`."""

    stream: str
    number: int
    type: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.number}@{self.stream} of type {self.type!r} cannot be decoded: {self.reason}"


@dataclass(eq=False)
class WorkCancelled(RxPumpError):
    """The work of `operator` was cancelled by something that is not its pipeline, as when the loop shuts down."""

    operator: str

    def __str__(self) -> str:
        return f"the work of {self.operator} was cancelled from outside its pipeline"


@dataclass(eq=False)
class ServerError(RxPumpError):
    """The server answered, and the answer is no."""


@dataclass(eq=False)
class BadRequest(ServerError):
    """The server could not make sense of `operation`; `reason` is its text."""

    operation: str
    reason: str

    def __str__(self) -> str:
        return f"the server calls {self.operation} a bad request: {self.reason}"


@dataclass(eq=False)
class NotAuthenticated(ServerError):
    """The credentials of `login` were refused; `reason` is the server's text.

    `login` is None where a single request was refused, under whatever credentials its connection has.
    """

    login: str | None
    reason: str

    def __str__(self) -> str:
        who = "the connection's user" if self.login is None else f"user {self.login!r}"
        return f"{who} was refused: {self.reason}"


@dataclass(eq=False)
class AccessDenied(ServerError):
    """This user may not do `operation` (read, write to, subscribe to) with `stream`."""

    operation: str
    stream: str

    def __str__(self) -> str:
        return f"this user may not {self.operation} {self.stream!r}"


@dataclass(eq=False)
class StreamNotFound(ServerError):
    """`stream` has no events: never written, or soft-deleted."""

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} does not exist"


@dataclass(eq=False)
class StreamDeleted(ServerError):
    """`stream` was deleted; for writes and reads of a tombstoned stream this is for good."""

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} is deleted"


@dataclass(eq=False)
class EventNotFound(ServerError):
    """`stream` has no readable event `number`: past its end, truncated or expired."""

    stream: str
    number: int

    def __str__(self) -> str:
        return f"stream {self.stream!r} has no event {self.number}"


@dataclass(eq=False)
class ReadFailed(ServerError):
    """The server could not serve a read of `stream`; `reason` is its text."""

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"reading {self.stream!r} failed: {self.reason}"


@dataclass(eq=False)
class WrongExpectedVersion(ServerError):
    """`stream` was expected at version `expected` and is at `current` (-1: no events; None: not told)."""

    stream: str
    expected: int
    current: int | None

    def __str__(self) -> str:
        current = "not told" if self.current is None else self.current
        return f"stream {self.stream!r} was expected at version {self.expected}; its version is {current}"


@dataclass(eq=False)
class SubscriptionDropped(ServerError):
    """The server ended a subscription to `stream`, for `reason`, in a way that allows another."""

    retryable: ClassVar[bool] = True

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"the subscription to {self.stream!r} was dropped: {self.reason}"


@dataclass(eq=False)
class InvalidTransaction(ServerError):
    """The transaction behind a write to `stream` is not one that the server knows."""

    stream: str

    def __str__(self) -> str:
        return f"the server knows no such transaction on {self.stream!r}"


@dataclass(eq=False)
class OutcomeUnknown(ServerError):
    """A write to `stream` may or may not have happened (protocol section 4.4); `reason` is the server's text."""

    retryable: ClassVar[bool] = True

    stream: str
    reason: str

    def __str__(self) -> str:
        return f"it is not known whether the write to {self.stream!r} happened: {self.reason}"


class PrepareTimeout(OutcomeUnknown):
    """The cluster did not prepare the write in time."""


class CommitTimeout(OutcomeUnknown):
    """The cluster did not commit the write in time."""


class ForwardTimeout(OutcomeUnknown):
    """A follower forwarded the write and heard nothing from the leader."""


@dataclass(eq=False)
class NotHandled(ServerError):
    """This node does not take `operation` now."""

    retryable: ClassVar[bool] = True

    operation: str

    def __str__(self) -> str:
        return f"the node did not handle {self.operation}: {type(self).__name__}"


class NotReady(NotHandled):
    """The node is starting, electing or stopping."""


class TooBusy(NotHandled):
    """The node has too much to do."""


class NotLeader(NotHandled):
    """Another node leads; the client goes there by itself when it is told where."""


class IsReadOnly(NotHandled):
    """The node is a read-only replica."""
