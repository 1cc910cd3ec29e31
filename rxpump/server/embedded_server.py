"""The embedded server: a store, users, and the sockets that clients connect to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Final

from rxpump.heartbeat import Heartbeat
from rxpump.server.access.saved_users import SavedUsers
from rxpump.server.access.users import ANONYMOUS, DEFAULT_ACCOUNTS, NOBODY, UNRESTRICTED, Account, User, Users
from rxpump.server.errors import CannotListen
from rxpump.server.groups.groups import Groups
from rxpump.server.grpc.grpc_face import GrpcFace
from rxpump.server.http.gossip import GossipWords
from rxpump.server.http.listener import HttpListener
from rxpump.server.http.resources import Resources
from rxpump.server.listening import stop_listening
from rxpump.server.membership import Membership, NodeAddresses, SingleNode
from rxpump.server.node import Node
from rxpump.server.projections.projections import Projections
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.server.tcp.session import Session
from rxpump.server.tls import CLOSING_TIMEOUT, HANDSHAKE_TIMEOUT

_ANY_ADDRESS: Final = {"", "0.0.0.0", "::"}
_CLOSE_TIMEOUT: Final = 1.0  # Seconds in which clients can read the last replies when the server stops


def _anonymous(*, allowed: bool) -> User:
    return ANONYMOUS if allowed else NOBODY


class EmbeddedServer:
    """An Event Store server in this process, for any client of the TCP or the gRPC protocol.

    Use it as an async context manager, or call `start` and `stop`:

        async with EmbeddedServer(SqliteStore.open("events.db"), port=1113) as server:
            print(server.uri)

    Args:
        store: Store to serve. The server closes it when it stops.
        host: Host to listen on.
        port: Port to listen on; 0 for a free port, which the attribute `port` names after the start.
        users: Users that can log in.
        heartbeat_interval: Seconds of silence after which a client is sent a heartbeat request.
        heartbeat_timeout: Further seconds of silence after which a client is disconnected.
        persistent_tick: Seconds between two checks for deliveries that were not settled in time.
        tls: Certificate for TLS on the same port (see `load_certificate`); None for no encryption.
        http_port: Port for HTTP without encryption: GET /gossip, /info, /stats and /ping, and replays of parked
            events; 0 for a free port, which the attribute `http_port` names after the start; None for no HTTP.
        grpc_port: Port for gRPC, and for HTTP as on `http_port`, both with TLS if `tls` is given; 0 for a free port,
            which the attribute `grpc_port` names after the start; None for no gRPC.
        insecure: Whether everyone may do everything without credentials, like a real server with `--insecure`.
        anonymous_access: Whether requests without credentials may use streams that everyone may use. None for the
            behavior of real servers: over TCP they may, as up to version 23.2; over gRPC they may not, as from 23.6
            on. But without TLS, where most gRPC clients send no credentials, they may, unless `strictness` is REAL.
        projections: Whether to run the system projections ($ce-x, $et-x, $bc-x, $streams, $category-x), also for
            events that were written before.
        strictness: How exactly to imitate undocumented behavior of a real server.
        membership: Place of the server in its cluster; None for a cluster of one node.
        gossip_words: Version of the servers whose gossip documents to imitate.
    """

    def __init__(
        self,
        store: SqliteStore,
        host: str = "127.0.0.1",
        port: int = 0,
        users: Iterable[Account] = DEFAULT_ACCOUNTS,
        *,
        heartbeat_interval: float = 2.0,
        heartbeat_timeout: float = 1.0,
        persistent_tick: float = 1.0,
        tls: ssl.SSLContext | None = None,
        http_port: int | None = None,
        grpc_port: int | None = None,
        insecure: bool = False,
        anonymous_access: bool | None = None,
        projections: bool = False,
        strictness: Strictness = Strictness.LENIENT,
        membership: Membership | None = None,
        gossip_words: GossipWords = GossipWords.V4,
    ) -> None:
        self.store = store
        self.host = host
        self.port: int = port
        self._projections = Projections(store) if projections else None
        may_call = anonymous_access
        if may_call is None:
            may_call = tls is None and strictness is not Strictness.REAL
        self._node = Node(
            store,
            Users(users, saved=SavedUsers(store)),
            groups=Groups(store, persistent_tick),
            strictness=strictness,
            membership=SingleNode(store, self._addresses) if membership is None else membership,
            anonymous=UNRESTRICTED if insecure else _anonymous(allowed=anonymous_access is not False),
            anonymous_caller=UNRESTRICTED if insecure else _anonymous(allowed=may_call),
            count_clients=lambda: self.client_count,
            projections=self._projections,
        )
        self._make_heartbeat = partial(Heartbeat, heartbeat_interval, heartbeat_timeout)
        self._tls = tls
        self._gossip_words = gossip_words
        self._http = None if http_port is None else self._http_listener(http_port)
        self._grpc = GrpcFace(self._node)
        self._grpc_listener = None if grpc_port is None else self._new_grpc_listener(grpc_port)
        self._http_starting = asyncio.Lock()
        self._listener: asyncio.Server | None = None
        self._sessions: set[Session] = set()
        self._all_ended = asyncio.Event()
        self._all_ended.set()

    @property
    def has_tls(self) -> bool:
        """Whether connections use TLS."""
        return self._tls is not None

    @property
    def has_projections(self) -> bool:
        """Whether the system projections run."""
        return self._projections is not None

    @property
    def http_port(self) -> int | None:
        """Port of HTTP; None if there is no HTTP."""
        return None if self._http is None else self._http.port

    @property
    def grpc_port(self) -> int | None:
        """Port of gRPC; None if there is no gRPC."""
        return None if self._grpc_listener is None else self._grpc_listener.port

    @property
    def uri(self) -> str:
        """Connection string of the server, without credentials."""
        return f"tcp://{self._uri_host}:{self.port}{'?tls=true' if self._tls else ''}"

    @property
    def _uri_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def grpc_uri(self) -> str | None:
        """Connection string for gRPC, without credentials; None if there is no gRPC."""
        if self.grpc_port is None:
            return None
        return f"kurrentdb://{self._uri_host}:{self.grpc_port}?tls={'true' if self._tls else 'false'}"

    @property
    def groups(self) -> Groups:
        """Consumer groups of the server."""
        return self._node.groups

    @property
    def client_count(self) -> int:
        """Number of connected clients."""
        return len(self._sessions) + self._grpc.client_count

    def restart_groups(self) -> None:
        """Drop all consumers, and read the groups and users again from the store, because the leader has changed."""
        self._node.restart_groups()
        self._node.users.reread()

    async def start(self) -> None:
        """Start listening.

        Raises:
            CannotListen: The address cannot be used. The store is closed.
        """
        try:
            await self._listen()
            if self._projections is not None:
                self._projections.start()
        except BaseException:
            await self.stop()
            raise

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(
                self._new_session,
                self.host,
                self.port,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT if self._tls else None,
                ssl_shutdown_timeout=CLOSING_TIMEOUT if self._tls else None,
            )
        except OSError as error:
            raise CannotListen(self.host, self.port, str(error)) from error
        self.port = self._listener.sockets[0].getsockname()[1]
        for http in (self._http, self._grpc_listener):
            if http is not None:
                await self._start_http(http)

    def _addresses(self) -> NodeAddresses:
        plain, secure = (0, self.port) if self.has_tls else (self.port, 0)
        http_port = self.http_port if self.grpc_port is None else self.grpc_port
        return NodeAddresses("" if self.host in _ANY_ADDRESS else self.host, plain, secure, http_port or 0)

    def _new_grpc_listener(self, port: int) -> HttpListener:
        respond = Resources(self, self._node, self._gossip_words).respond
        return HttpListener(self.host, port, respond, tls=self._tls, http2=self._grpc.new_connection)

    def _http_listener(self, port: int) -> HttpListener:
        return HttpListener(self.host, port, Resources(self, self._node, self._gossip_words).respond)

    async def start_http(self) -> int:
        """Start HTTP, on a free port unless `http_port` was given. Do nothing if it is started.

        Returns:
            The port.

        Raises:
            CannotListen: There is no free port.
        """
        async with self._http_starting:
            if self._http is None:
                http = self._http_listener(0)
                await self._start_http(http)
                self._http = http
        return self._http.port

    async def _start_http(self, http: HttpListener) -> None:
        try:
            await http.start()
        except OSError as error:
            raise CannotListen(self.host, http.port, str(error)) from error

    def _new_session(self) -> Session:
        return Session(self._node, self._make_heartbeat, self._begun, self._ended)

    def _begun(self, session: Session) -> None:
        self._sessions.add(session)
        self._all_ended.clear()
        if self._listener is None:  # The client connected while the server stopped.
            session.abort()

    def _ended(self, session: Session) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._all_ended.set()

    async def stop(self) -> None:
        """Stop listening, commit and reply to pending requests, and close all connections and the store."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await stop_listening(listener)
        for http in (self._http, self._grpc_listener):
            if http is not None:
                await http.stop()
        self._grpc.shut_down()
        for session in self._sessions:
            session.stop()
        if self._projections is not None:
            await self._projections.stop()
        await self._node.close()
        await asyncio.gather(self._close_sessions(), self._grpc.close())

    async def _close_sessions(self) -> None:
        for session in tuple(self._sessions):
            session.drop_subscriptions_and_close()
        try:
            await asyncio.wait_for(self._all_ended.wait(), _CLOSE_TIMEOUT)
        except TimeoutError:
            for session in tuple(self._sessions):
                session.abort()
            await self._all_ended.wait()

    async def __aenter__(self) -> EmbeddedServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        if self._listener is None:
            return f"<EmbeddedServer not listening, {self.store!r}>"
        clients = "1 client" if self.client_count == 1 else f"{self.client_count} clients"
        return f"<EmbeddedServer {self.uri}, {clients}, {self.store!r}>"
