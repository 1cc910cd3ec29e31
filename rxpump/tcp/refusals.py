"""Decide whether the refusal of a connection is final.

A node that is starting refuses every login, with the same text as a wrong password later (docs/protocol/tcp.md,
section 4.12). A node is known to be starting if it could not be reached before, or if it replied that it is not
ready. A refusal by any other node is final after it has been repeated for STARTING_SECONDS.
"""

from __future__ import annotations

from typing import Final

from rxpump.errors import (
    BadRequest,
    CertificateRefused,
    ConnectionClosed,
    ConnectionFailed,
    NotAuthenticated,
    NotReady,
    RxPumpError,
)
from rxpump.model.credentials import Token
from rxpump.tcp.protocol.client_protocol import ProtocolState
from rxpump.tcp.protocol.lost_connections import token_unknown
from rxpump.uri import TcpAddress

STARTING_SECONDS: Final = 1.0
"""Seconds for which a starting node may refuse a login that it accepts later; a third of that was observed."""

_LOST_TOKENS: Final = 3
"""Lost connections after which an unanswered token is regarded as refused."""

_NO_VERDICT: Final = "Internal Server Error"
"""Text of a server that could not look up a login."""


class Refusals:
    """The refusals of one client, until it is accepted."""

    def __init__(self) -> None:
        self._starting: set[TcpAddress] = set()
        self._since: float | None = None
        self._lost_tokens = 0

    def verdict(
        self, problem: RxPumpError, address: TcpAddress, now: float, lost_while: ProtocolState | None = None
    ) -> RxPumpError | None:
        """Return the error that ends the attempts to connect, or None if another attempt can succeed.

        Args:
            problem: Reason why there is no connection.
            address: Address of the node.
            now: Current time in seconds.
            lost_while: State in which the server closed the connection, or None if it did not.
        """
        match problem:
            case CertificateRefused():
                return problem
            case BadRequest(reason=reason):
                if isinstance(address.credentials, Token):
                    return NotAuthenticated(address.credentials.login, reason)
                return problem
            case NotAuthenticated(reason=reason):
                return problem if self._is_believed(address, reason, now) else None
            case ConnectionClosed() if isinstance(address.credentials, Token):
                return self._lost_token(address.credentials, problem, now, lost_while)
            case ConnectionClosed() | ConnectionFailed() | NotReady():
                self._starting.add(address)
        return None

    def _is_believed(self, address: TcpAddress, reason: str, now: float) -> bool:
        has_lasted = self._has_lasted(now)
        return has_lasted and address not in self._starting and reason != _NO_VERDICT

    def _lost_token(
        self, token: Token, problem: ConnectionClosed, now: float, lost_while: ProtocolState | None
    ) -> RxPumpError | None:
        if lost_while is not ProtocolState.AUTHENTICATING:
            return None
        self._lost_tokens += 1
        if not self._has_lasted(now) or self._lost_tokens < _LOST_TOKENS:
            return None
        return NotAuthenticated(token.login, token_unknown(self._lost_tokens, problem))

    def _has_lasted(self, now: float) -> bool:
        """Record a refusal. Return whether the first one was at least STARTING_SECONDS ago."""
        if self._since is None:
            self._since = now
        return now - self._since >= STARTING_SECONDS

    def __repr__(self) -> str:
        return f"<Refusals, {len(self._starting)} nodes starting, {self._lost_tokens} connections lost with a token>"
