"""Open one connection to a node, and request the list of its methods."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from rxpump.errors import CertificateRefused, ConnectionClosed, ConnectionFailed, NotSupported
from rxpump.grpc.caller_metadata import authorization
from rxpump.grpc.calls.operation import Operation, parse
from rxpump.grpc.connection import GrpcConnection, Observer, first_of
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.features import ServerFeatures
from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.messages import server_features
from rxpump.grpc.tls import make_grpc_context
from rxpump.model.credentials import AnyCredentials
from rxpump.network.tls import CLOSING_TIMEOUT, certificate_failure, handshake_failure
from rxpump.settings import Settings
from rxpump.uri import GrpcAddress

_log = logging.getLogger("rxpump.grpc")

T = TypeVar("T")

_FEATURES: Final = CallContext(server_features.GET_SUPPORTED_METHODS, "connect to", Effect.NONE)


class Node(NamedTuple):
    """Address of a node.

    Attributes:
        host: Host name or IP address.
        port: Port of its gRPC and HTTP interfaces.
    """

    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port for the `:authority` header of requests."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"kurrentdb://{self.authority}"


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
        self.credentials: AnyCredentials | None = credentials
        self.sends_in_clear: bool = sends_in_clear
        self._settings = settings
        self._tls = tls
        self._limits = limits or Http2Limits()
        self._has_warned = False

    @classmethod
    def to(cls, address: GrpcAddress, settings: Settings) -> Dialer:
        """Return the dialer for an address.

        Raises:
            InvalidArgument: A file with certificates cannot be used.
        """
        limits = Http2Limits(
            keepalive_interval=address.keepalive_interval, keepalive_timeout=address.keepalive_timeout
        )
        tls = make_grpc_context(settings, address.certificate_file, address.key_file)
        in_clear = address.sends_credentials_in_clear
        return cls(settings, address.credentials, tls, limits, sends_in_clear=in_clear)

    @property
    def uses_tls(self) -> bool:
        """Whether connections use TLS."""
        return self._tls is not None

    def allowed(self, credentials: AnyCredentials | None) -> AnyCredentials | None:
        """Return `credentials`, or None if they must not be sent on a connection that is not encrypted."""
        if credentials is None or self.uses_tls or self.sends_in_clear:
            return credentials
        if not self._has_warned:
            self._has_warned = True
            _log.warning(
                "the credentials of %r are not sent, because the connection is not encrypted; "
                "the option credentialsInClear=true sends them",
                credentials.login,
            )
        return None

    async def dial(self, node: Node, attempt: int, limit: float, observer: Observer) -> GrpcConnection:
        """Open a connection, and wait until the server has sent the list of its methods.

        Args:
            node: Address of the node.
            attempt: Number of this attempt, for errors.
            limit: Seconds to open the connection, and again to receive the list of methods.
            observer: Object that is notified of events of the connection.

        Raises:
            ConnectionFailed: The node could not be connected to.
            RxPumpError: The server refused the credentials, or is not ready.
        """
        try:
            async with asyncio.timeout(limit):
                connection = await self._open(node, observer, None)
            try:
                async with asyncio.timeout(limit):
                    connection.features = await self._ask_features(connection)
            except BaseException:
                connection.close(ConnectionClosed(str(node), "the connection was not completed"))
                raise
            connection.has_answered = False
            return connection
        except (OSError, ValueError) as error:  # An invalid host name is a ValueError, a TimeoutError an OSError.
            raise self._failure(error, node, attempt) from error

    async def ask(self, node: Node, operation: Operation[T], limit: float, tls_name: str | None = None) -> T:
        """Make one call as an anonymous user, on a new connection that is closed afterwards.

        Args:
            node: Address of the node.
            operation: The call.
            limit: Seconds for the connection and the call.
            tls_name: Name that the certificate must contain; None for the host.

        Raises:
            ConnectionFailed: The node could not be connected to, or did not answer in time.
            RxPumpError: The call failed.
        """
        try:
            async with asyncio.timeout(limit):
                connection = await self._open(node, Observer(), tls_name)
                try:
                    call = connection.open(operation.context)
                    for request in operation.requests:
                        call.send(request.SerializeToString())
                    call.end()
                    message_class = operation.context.method.response
                    context = operation.context
                    answers = [parse(context, message_class, each) for each in await call.collect()]
                finally:
                    connection.close(ConnectionClosed(str(node), "the call is completed"))
        except (OSError, ValueError) as error:
            raise self._failure(error, node, 1) from error
        return operation.answer(answers, operation.context)

    async def _open(self, node: Node, observer: Observer, tls_name: str | None) -> GrpcConnection:
        """Open a connection, and wait until calls can be opened."""
        loop = asyncio.get_running_loop()
        scheme = "https" if self.uses_tls else "http"
        options: dict[str, Any] = {}
        if self._tls is not None:
            name = self._settings.tls_server_name or tls_name or node.host
            options = {"ssl": self._tls, "server_hostname": name, "ssl_shutdown_timeout": CLOSING_TIMEOUT}
        _, connection = await loop.create_connection(
            lambda: GrpcConnection(str(node), node.authority, scheme, self._limits, observer),
            node.host,
            node.port,
            **options,
        )
        try:
            await first_of(connection.ready, connection.closed)
            if not connection.may_open:  # The server can have shut the connection down at once.
                raise await connection.closed
        except BaseException:
            connection.close(ConnectionClosed(str(node), "the connection was not completed"))
            raise
        return connection

    async def _ask_features(self, connection: GrpcConnection) -> ServerFeatures:
        credentials = self.allowed(self.credentials)
        metadata = [] if credentials is None else [authorization(credentials)]
        login = None if credentials is None else credentials.login
        call = connection.open(replace(_FEATURES, login=login, address=connection.address), metadata)
        call.send(b"")
        call.end()
        try:
            messages = await call.collect()
        except NotSupported:  # a server before version 21.10
            return ServerFeatures.before_21_10()
        finally:
            call.cancel()
        return ServerFeatures.from_message(parse(_FEATURES, server_features.SupportedMethods, b"".join(messages)))

    def _failure(self, error: OSError | ValueError, node: Node, attempt: int) -> ConnectionFailed:
        if isinstance(error, ssl.SSLCertVerificationError):
            name = self._settings.tls_server_name or node.host
            return CertificateRefused(str(node), attempt, certificate_failure(error, name))
        if isinstance(error, TimeoutError):
            hint = "; this port may not use TLS" if self.uses_tls else "; this port may require TLS"
            return ConnectionFailed(str(node), attempt, f"no answer in time{hint}")
        if self.uses_tls and isinstance(error, OSError):
            return ConnectionFailed(str(node), attempt, handshake_failure(error))
        return ConnectionFailed(str(node), attempt, str(error))

    def __repr__(self) -> str:
        return f"<Dialer {'with' if self.uses_tls else 'without'} TLS>"
