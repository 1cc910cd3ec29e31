"""The start of a connection on a port that serves HTTP/1.1 and HTTP/2.

With TLS, client and server can agree on a protocol during the handshake (ALPN). Otherwise the first bytes decide: a
client of HTTP/2 sends its preface (RFC 9113, section 3.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

ALPN: Final = ("h2", "http/1.1")
"""Protocols of the port, the preferred one first."""

FIRST_BYTES_TIMEOUT: Final = 10.0
"""Seconds that a client has to send its first bytes."""

_PREFACE: Final = b"PRI"
"""First bytes of the preface of HTTP/2. No method of HTTP/1.1 begins with them."""

ProtocolFactory = Callable[[], asyncio.Protocol]


class FirstBytes(asyncio.Protocol):
    """A connection whose protocol is not known yet.

    Args:
        http1: Function that returns the protocol of a connection with HTTP/1.1.
        http2: Function that returns the protocol of a connection with HTTP/2.
        begin: Function that accepts a connection, or returns False because there are too many.
        end: Function that is called when the protocol is known or the connection is lost.
        timeout: Seconds that the client has to send its first bytes.
    """

    def __init__(
        self,
        http1: ProtocolFactory,
        http2: ProtocolFactory,
        begin: Callable[[FirstBytes], bool],
        end: Callable[[FirstBytes], None],
        timeout: float = FIRST_BYTES_TIMEOUT,
    ) -> None:
        self._http1 = http1
        self._http2 = http2
        self._begin = begin
        self._end = end
        self._timeout = timeout
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the protocol that was agreed on by TLS, or wait for bytes; called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(self._timeout, self._transport.abort)
        if not self._begin(self):
            self.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        agreed = None if tls is None else tls.selected_alpn_protocol()
        if agreed is not None:
            self._hand_over(self._http2 if agreed == ALPN[0] else self._http1)

    def data_received(self, data: bytes) -> None:
        """Start the protocol of the connection once enough bytes have arrived; called by asyncio."""
        self._received += data
        if self._received.startswith(_PREFACE):
            self._hand_over(self._http2)
        elif not _PREFACE.startswith(self._received):
            self._hand_over(self._http1)

    def connection_lost(self, error: Exception | None) -> None:
        """Stop the timer; called by asyncio."""
        self._timer.cancel()
        self._end(self)

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def _hand_over(self, make_protocol: ProtocolFactory) -> None:
        self._timer.cancel()
        self._end(self)
        protocol = make_protocol()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._received:
            protocol.data_received(self._received)

    def __repr__(self) -> str:
        return f"<FirstBytes, {len(self._received)} received>"
