"""Handle the packages of one client: find the user, call the handler, and refuse malformed requests.

Packages about the connection itself (heartbeats, IdentifyClient, Authenticate) are handled here, for any client.
Other packages need a user: that of their own credentials, or that of the last Authenticate. If that one failed,
packages without credentials of their own are refused (docs/protocol/tcp.md, section 4.12).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from google.protobuf.message import DecodeError

from rxpump.discovery.member import NodeState
from rxpump.model.credentials import AnyCredentials
from rxpump.model.login_throttle import Throttled
from rxpump.server.access.users import User
from rxpump.server.node import Node
from rxpump.server.store.failures import STORE_FAILURES, describe
from rxpump.server.tcp.consumers import Consumers
from rxpump.server.tcp.handlers.failures import answer_failure
from rxpump.server.tcp.handlers.table import HANDLERS, IGNORED, Pending
from rxpump.server.tcp.leadership import UNANSWERED, refused
from rxpump.server.tcp.legacy_encoder import LegacyEncoder
from rxpump.server.tcp.request import BadPayload, Request, encode
from rxpump.server.tcp.subscriptions import Subscriptions
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.package import Package
from rxpump.tcp.wire.schema import IdentifyClient, NotHandled

_log = logging.getLogger("rxpump.server")

_NEWEST_CLIENT: Final = 1
_LONGEST_NAME: Final = 1000
"""Largest number of characters of a client name that are stored."""

_VERSION_MASK: Final = 0xFF
"""A real server keeps one byte of the version of a client."""

_OUT_OF_BOUNDS: Final = "Index was outside the bounds of the array."
_LAST_UNKNOWN: Final = 0xFF
"""The command after the last one in the table of commands of a real server, which has no entry there."""


class Conversation:
    """State of one client, without its socket.

    Args:
        node: Store, users and groups, which all sessions of a server share.
        send: Function that sends frames to the client.

    Attributes:
        address: Address of the client, for counting failed logins.
        client_name: Name that the client gave, or None.
        client_version: Version of the protocol that the client gave.
        subscriptions: Subscriptions of the client.
        consumers: Connections of the client to consumer groups.
    """

    def __init__(self, node: Node, send: Callable[[bytes], None]) -> None:
        self.client_name: str | None = None
        self.client_version: int = 0
        self._send = LegacyEncoder(send)
        self.subscriptions: Subscriptions = Subscriptions(node.store.feed, self._send)
        self.consumers: Consumers = Consumers(self._send)
        self.address: str = ""
        self._node = node
        self._user: User | None = node.anonymous
        self._verified: dict[AnyCredentials, User] = {}
        self._verified_version = node.users.version
        self._has_logged_in = False

    @property
    def has_login(self) -> bool:
        """Whether the client has authenticated as a user."""
        return self._has_logged_in

    def receive(self, package: Package) -> Pending | None:
        """Handle a package.

        Returns:
            None if it was answered; otherwise the pending request.
        """
        about_connection = _ABOUT_CONNECTION.get(package.command)
        if about_connection is not None:
            about_connection(self, package)
            return None
        user = self._user if package.credentials is None else self._log_in(package.credentials)
        if isinstance(user, Throttled):
            self._reply(package, Command.NOT_HANDLED, encode(NotHandled(reason=NotHandledReason.TOO_BUSY)))
            return None
        if user is None:
            self._reply(package, Command.NOT_AUTHENTICATED, b"Not Authenticated")
            return None
        try:
            return self._handle(package, user)
        except BadPayload as wrong:
            self.refuse(package, str(wrong))
            return None
        except STORE_FAILURES as failure:
            self._fail(package, user, failure)
            return None

    def _fail(self, package: Package, user: User, failure: Exception) -> None:
        """Reply that the store could not be read."""
        reason = describe(failure)
        _log.error("%s was not served: %s", command_name(package.command), reason)
        answer_failure(self._request(package, user), package.command, reason)

    def refuse(self, package: Package, why: str = "") -> None:
        """Reply BadRequest, with the text of a real server."""
        name = command_name(package.command) if package.command in _COMMANDS else str(package.command)
        text = f"Could not unwrap network package for command {name}.\n{why}"
        self._reply(package, Command.BAD_REQUEST, text.encode())

    def end_subscriptions(self) -> None:
        """Send the end of each subscription."""
        self.subscriptions.drop_all()
        self.consumers.drop_all()

    def close(self) -> None:
        """End the subscriptions without sending anything, because the connection is closed."""
        self.subscriptions.close()
        self.consumers.close()

    def _handle(self, package: Package, user: User) -> Pending | None:
        if self.client_version > _NEWEST_CLIENT or package.command == _LAST_UNKNOWN:
            raise BadPayload(_OUT_OF_BOUNDS)
        if package.command in IGNORED:
            return None
        handler = HANDLERS.get(package.command)
        if handler is None:
            raise BadPayload
        if self._node.membership.state is not NodeState.LEADER:
            not_handled = refused(package, self._node.membership)
            if not_handled is not None:
                if package.command not in UNANSWERED:
                    self._reply(package, Command.NOT_HANDLED, not_handled)
                return None
        return handler(self._request(package, user), self._node)

    def _request(self, package: Package, user: User) -> Request:
        def reply(command: Command, payload: bytes) -> None:
            self._reply(package, command, payload)

        return Request(package.correlation_id, package.payload, user, self.subscriptions, self.consumers, reply)

    def _reply(self, to: Package, command: Command, payload: bytes = b"") -> None:
        self._send(Package(command, to.correlation_id, payload).encode())

    def _heartbeat(self, package: Package) -> None:
        self._reply(package, Command.HEARTBEAT_RESPONSE)

    def _identify(self, package: Package) -> None:
        try:
            message = IdentifyClient.FromString(package.payload)
        except DecodeError:
            return  # A real server does not reply.
        self.client_version = message.version & _VERSION_MASK
        self._send.is_old = self.client_version == 0
        self.client_name = self.consumers.connection_name = str(message.connection_name)[:_LONGEST_NAME]
        self._reply(package, Command.CLIENT_IDENTIFIED)

    def _authenticate(self, package: Package) -> None:
        if package.credentials is None:
            self._reply(package, Command.NOT_AUTHENTICATED, b"No user credentials provided.")
            return
        user = self._log_in(package.credentials)
        self._user = None if isinstance(user, Throttled) else user
        match user:
            case Throttled():
                text = f"Too many failed logins, try again in {user.seconds:.1f} s"
                self._reply(package, Command.NOT_AUTHENTICATED, text.encode())
            case None:
                self._reply(package, Command.NOT_AUTHENTICATED, b"Unauthorized")
            case User():
                self._reply(package, Command.AUTHENTICATED)

    def _log_in(self, credentials: AnyCredentials) -> User | Throttled | None:
        """Return the user with these credentials; None if they are wrong, Throttled if the client must wait.

        A node that has no users yet refuses all credentials (docs/protocol/tcp.md, section 4.12).
        """
        if self._verified_version != self._node.users.version:
            self._verified.clear()
            self._verified_version = self._node.users.version
        user: User | Throttled | None = self._verified.get(credentials)
        if user is None and self._node.membership.has_users:
            user = self._node.users.authenticate(credentials, self.address)
            if isinstance(user, User):
                self._verified[credentials] = user
                self._has_logged_in = True
        return user

    def _ignore(self, package: Package) -> None:
        pass

    def __repr__(self) -> str:
        who = "nobody" if self._user is None else "/".join(sorted(self._user.roles))
        return f"<Conversation with {self.client_name!r}, as {who}>"


_COMMANDS: Final = frozenset(Command)

_ABOUT_CONNECTION: Final[dict[int, Callable[[Conversation, Package], None]]] = {
    Command.HEARTBEAT_REQUEST: Conversation._heartbeat,
    Command.HEARTBEAT_RESPONSE: Conversation._ignore,
    Command.BAD_REQUEST: Conversation._ignore,
    Command.IDENTIFY_CLIENT: Conversation._identify,
    Command.AUTHENTICATE: Conversation._authenticate,
}
