"""Description of a call, from which the messages of its errors are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from rxpump.grpc.messages.methods import Method, ServerVersion
from rxpump.model.metrics import RequestKind
from rxpump.model.system_names import ALL_STREAM


class Effect(Enum):
    """Kind of call, which decides the error of a call that was interrupted."""

    NONE = auto()
    """The call reads data or manages the server."""
    WRITE = auto()
    """The call writes events. If it was interrupted, it is unknown whether they were written."""
    SUBSCRIPTION = auto()
    """The call delivers events until it is interrupted."""


class Option(NamedTuple):
    """An option of a method that older servers ignore.

    Attributes:
        name: Name of the option.
        since: First version of the server that has the option.
    """

    name: str
    since: ServerVersion


_KINDS: Final = {"read": RequestKind.READ, "write to": RequestKind.APPEND}


@dataclass(frozen=True, slots=True)
class CallContext:
    """Description of a call: its method, the object that it is about, and its user.

    Attributes:
        method: Method that is called.
        action: Verb in the message of AccessDenied, such as "write to".
        effect: Kind of call.
        stream: Name of the stream, `$all` for the log, None if the call is not about events.
        group: Name of the consumer group, if the call is about one.
        name: Name of the user, projection or index, if the call is about one.
        login: Login of the user, None for an anonymous user.
        expected_version: Version that a write expects of the stream, None if it names none.
        timeout: Seconds until the deadline that the request named, None for no deadline.
        feature: Optional feature of the method that the call needs, None for none.
        option: Option of the method that the call needs and older servers ignore, None for none.
        silence_hint: A likely cause if there is no answer, for calls that servers are known to leave unanswered.
        address: Address of the node that the call was sent to.
    """

    method: Method
    action: str
    effect: Effect
    stream: str | None = None
    group: str = ""
    name: str = ""
    login: str | None = None
    expected_version: int | None = None
    timeout: float | None = None
    feature: str | None = None
    option: Option | None = None
    silence_hint: str = ""
    address: str = "the server"

    @property
    def stream_or_all(self) -> str:
        """Name of the stream, `$all` if the call is about none."""
        return ALL_STREAM if self.stream is None else self.stream

    @property
    def kind(self) -> RequestKind:
        """Kind of the request in metrics."""
        if self.effect is Effect.SUBSCRIPTION:
            return RequestKind.SUBSCRIBE
        return _KINDS.get(self.action, RequestKind.OTHER)

    @property
    def operation(self) -> str:
        """Name of the method and of its object, such as "Streams.Append 'orders'"."""
        words = [self.method.name]
        words += [repr(each) for each in (self.name, self.group) if each]
        if self.stream is not None:
            words.append(f"of {self.stream!r}" if self.group else f"{self.stream!r}")
        return " ".join(words)
