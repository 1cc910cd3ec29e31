"""Which answers to a new connection are final, and which may be those of a node that is starting.

A node that is starting refuses everybody, in the same words as it refuses a wrong password later
(docs/protocol/tcp.md, section 4.12). It is known to be starting if it could not be reached before, or if it answered
that it is not ready. Of any other node a refusal is believed only when it has lasted for STARTING_SECONDS.
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
"""How long a node that is starting may refuse a login that it will accept; a third of that was seen."""

REFUSED_PAUSE: Final = 0.25
"""Seconds to the next attempt after a refusal, at least: a server slows down whoever is refused too often."""

_LOST_TOKENS: Final = 3
"""Connections that are lost with the token unanswered before it counts as refused."""

_NO_VERDICT: Final = "Internal Server Error"
"""What a server answers to a login that it could not look up."""


class Refusals:
    """The refusals of one client, until it is accepted."""

    def __init__(self) -> None:
        self._starting: set[TcpAddress] = set()
        self._since: float | None = None
        self._lost_tokens = 0

    def verdict(
        self, problem: RxPumpError, address: TcpAddress, now: float, lost_while: ProtocolState | None = None
    ) -> RxPumpError | None:
        """Return the error that ends the attempts to connect, None if another attempt may succeed.

        Args:
            problem: Why there is no connection.
            address: The node.
            now: Seconds on any one clock.
            lost_while: What the connection waited for as the server ended it, None where it did not end it.
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
        """Note a refusal, and return whether the first was STARTING_SECONDS ago."""
        if self._since is None:
            self._since = now
        return now - self._since >= STARTING_SECONDS

    def __repr__(self) -> str:
        return f"<Refusals, {len(self._starting)} nodes starting, {self._lost_tokens} connections lost with a token>"
