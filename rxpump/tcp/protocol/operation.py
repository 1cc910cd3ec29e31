"""The base class of all operations, and the replies that every request can have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from google.protobuf.message import DecodeError

from rxpump.errors import (
    IsReadOnly,
    MalformedReply,
    NotAuthenticated,
    NotLeader,
    NotReady,
    TooBusy,
    UnexpectedReply,
)
from rxpump.model.credentials import AnyCredentials
from rxpump.model.metrics import RequestKind
from rxpump.tcp.protocol.bad_request import bad_request
from rxpump.tcp.protocol.outcome import Failure, Outcome, Redirect, Retry
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.package import Package

T_co = TypeVar("T_co", covariant=True)


class Operation(ABC, Generic[T_co]):
    """A request: its encoded payload, and the meanings of its replies.

    A subclass sets `command` and `reply`, encodes its payload once, so that a repeated request has the same bytes,
    and interprets its reply in `answer`.

    Attributes:
        command: Command of the request.
        reply: Command of its reply.
        kind: Kind of the request in metrics.
        payload: Encoded message.
        repeatable: Whether the request can be sent again without harm if its outcome is unknown.
        unsubscribe_command: Command that ends the subscription that the request has opened on the server, or None.
        ordering_key: Ordering key, or None. Requests with the same key keep their order even if they are repeated.
        needs_leader: Whether the request must be sent to the leader.
        reply_is_large: Whether the reply can have so many bytes that smaller requests are sent first.
        silence_hint: A likely cause if there is no reply, for requests that servers are known to leave unanswered.
        credentials: Credentials of the request, or None for those of the connection.
    """

    command: ClassVar[Command]
    reply: ClassVar[Command]
    kind: ClassVar[RequestKind] = RequestKind.OTHER
    repeatable: ClassVar[bool] = True
    unsubscribe_command: ClassVar[Command | None] = None

    payload: bytes = b""
    needs_leader: bool = False
    silence_hint: str = ""
    reply_is_large: bool = False
    ordering_key: str | None = None
    credentials: AnyCredentials | None = None

    @abstractmethod
    def answer(self, payload: bytes) -> Outcome[T_co]:
        """Interpret the payload of a reply whose command is `self.reply`."""

    def interpret(self, package: Package) -> Outcome[T_co]:
        """Interpret a reply with any command. It does not raise: a malformed reply is a Failure."""
        try:
            if package.command == self.reply:
                return self.answer(package.payload)
            return self.refusal(package)
        except DecodeError as error:
            return Failure(MalformedReply(str(self), str(error)))

    def refusal(self, package: Package) -> Failure | Retry | Redirect:
        """Interpret a reply whose command is not `self.reply`: a refusal, or an unexpected reply."""
        match package.command:
            case Command.NOT_HANDLED:
                return self._not_handled(schema.NotHandled.FromString(package.payload))
            case Command.BAD_REQUEST:
                return Failure(bad_request(str(self), package.text))
            case Command.NOT_AUTHENTICATED:
                login = None if self.credentials is None else self.credentials.login
                return Failure(NotAuthenticated(login, package.text))
            case other:
                return Failure(UnexpectedReply(str(self), command_name(other)))

    def _not_handled(self, refusal: schema.NotHandled) -> Failure | Retry | Redirect:
        name = str(self)
        match refusal.reason:
            case NotHandledReason.NOT_READY:
                return Retry(NotReady(name))
            case NotHandledReason.TOO_BUSY:
                return Retry(TooBusy(name))
            case NotHandledReason.NOT_LEADER:
                return _to_leader(refusal.additional_info, NotLeader(name))
            case NotHandledReason.IS_READ_ONLY:
                return _to_leader(refusal.additional_info, IsReadOnly(name))
            case unknown:
                return Failure(UnexpectedReply(name, f"NotHandled with the unknown reason {unknown}"))

    def __str__(self) -> str:
        return command_name(self.command)

    def __repr__(self) -> str:
        return f"<{self}>"


def _to_leader(info: bytes, refusal: NotLeader | IsReadOnly) -> Retry | Redirect:
    """Return a redirect to the leader that a reply names."""
    leader = schema.LeaderInfo.FromString(info)
    plain = _endpoint(leader.external_tcp_address, leader.external_tcp_port)
    secure = _endpoint(leader.external_secure_tcp_address, leader.external_secure_tcp_port)
    return Redirect(plain, secure, refusal) if plain or secure else Retry(refusal)


def _endpoint(host: str, port: int) -> tuple[str, int] | None:
    return (host, port) if host and 0 < port < 65536 else None
