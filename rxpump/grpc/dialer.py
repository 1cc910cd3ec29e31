"""Open one connection to a node, and ask for the methods of the server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final

from rxpump.errors import (
    CertificateRefused,
    ConnectionClosed,
    ConnectionFailed,
    NotSupported,
)
from rxpump.grpc.caller_metadata import authorization
from rxpump.grpc.connection import GrpcConnection, first_of
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.features import ServerFeatures
from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.messages import server_features
from rxpump.grpc.node_resolver import Node
from rxpump.model.credentials import AnyCredentials
from rxpump.network.tls import CLOSING_TIMEOUT, certificate_failure, handshake_failure
from rxpump.settings import Settings

_FEATURES: Final = CallContext(server_features.GET_SUPPORTED_METHODS, "connect to", Effect.NONE)


class Dialer:
    """Opens connections.

    Args:
        settings: Settings of the client.
        credentials: Credentials of the connection, which the server checks at once; None for an anonymous user.
        tls: Context of TLS, or None for connections without TLS.
        limits: Limits of each HTTP/2 connection.
        sends_in_clear: Whether credentials may be sent on connections without TLS.

    Attributes:
        credentials: Credentials of the connection.
        sends_in_clear: Whether credentials may be sent on connections without TLS.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: AnyCredentials | None,
        tls: ssl.SSLContext | None = None,
        limits: Http2Limits | None = None,
        *,
        sends_in_clear: bool = False,
    ) -> None:
        self.sends_in_clear: bool = sends_in_clear
        self.credentials: AnyCredentials | None = credentials
        self._settings = settings
        self._tls = tls
        self._limits = limits or Http2Limits()

    @property
    def uses_tls(self) -> bool:
        """Whether connections use TLS."""
        return self._tls is not None

    def allowed(self, credentials: AnyCredentials | None) -> AnyCredentials | None:
        """Return credentials that may be sent, None for those that would travel in clear."""
        return credentials if self.uses_tls or self.sends_in_clear else None

    async def dial(self, node: Node, attempt: int, on_change: Callable[[], None]) -> GrpcConnection:
        """Open a connection, and wait until the server has named its methods.

        Args:
            node: Address of the node.
            attempt: Number of this attempt, for errors.
            on_change: Function that is called when the connection can open another call, or none any more.

        Raises:
            ConnectionFailed: The node could not be connected to.
            RxPumpError: The server refused the credentials, or is not ready.
        """
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                return await self._dial(node, on_change)
        except (OSError, UnicodeError) as error:  # an invalid host name is a UnicodeError, a TimeoutError an OSError
            raise self._failure(error, node, attempt) from error

    async def _dial(self, node: Node, on_change: Callable[[], None]) -> GrpcConnection:
        loop = asyncio.get_running_loop()
        scheme = "https" if self.uses_tls else "http"
        options: dict[str, Any] = {}
        if self._tls is not None:
            name = self._settings.tls_server_name or node.host
            options = {"ssl": self._tls, "server_hostname": name, "ssl_shutdown_timeout": CLOSING_TIMEOUT}
        _, connection = await loop.create_connection(
            lambda: GrpcConnection(str(node), str(node), scheme, self._limits, on_change),
            node.host,
            node.port,
            **options,
        )
        try:
            await first_of(connection.ready, connection.closed)
            if connection.closed.done():
                raise connection.closed.result()
            connection.features = await self._ask_features(connection)
        except BaseException:
            connection.close(ConnectionClosed(str(node), "the connection was not completed"))
            raise
        return connection

    async def _ask_features(self, connection: GrpcConnection) -> ServerFeatures:
        credentials = self.allowed(self.credentials)
        metadata = [] if credentials is None else [authorization(credentials)]
        call = connection.open(_FEATURES, metadata)
        call.send(b"")
        call.end()
        try:
            messages = await call.collect()
        except NotSupported:  # a server before version 21.10
            return ServerFeatures.before_21_10()
        finally:
            call.cancel()
        return ServerFeatures.from_message(server_features.SupportedMethods.FromString(b"".join(messages)))

    def _failure(self, error: OSError | UnicodeError, node: Node, attempt: int) -> ConnectionFailed:
        if isinstance(error, ssl.SSLCertVerificationError):
            name = self._settings.tls_server_name or node.host
            return CertificateRefused(str(node), attempt, certificate_failure(error, name))
        if isinstance(error, TimeoutError):
            hint = "; it may not speak TLS on this port" if self.uses_tls else "; it may speak only TLS on this port"
            return ConnectionFailed(str(node), attempt, f"no answer in time{hint}")
        if self.uses_tls and isinstance(error, OSError):
            return ConnectionFailed(str(node), attempt, handshake_failure(error))
        return ConnectionFailed(str(node), attempt, str(error))

    def __repr__(self) -> str:
        return f"<Dialer {'with' if self.uses_tls else 'without'} TLS>"
