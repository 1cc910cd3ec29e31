"""The server: a store, the users, and a socket that clients connect to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Final

from rxpump.heartbeat import Heartbeat
from rxpump.server.access.users import DEFAULT_ACCOUNTS, Account, Users
from rxpump.server.errors import CannotListen
from rxpump.server.groups.groups import Groups
from rxpump.server.http.listener import HttpListener
from rxpump.server.http.resources import Resources
from rxpump.server.node import Node
from rxpump.server.projections.projections import Projections
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.server.tcp.session import Session
from rxpump.server.tls import CLOSING_TIMEOUT, HANDSHAKE_TIMEOUT

_GOODBYE_TIMEOUT: Final = 1.0  # seconds that a client has to read the last answers when the server stops


class EmbeddedServer:
    """An Event Store in this process, for any client that speaks the TCP protocol.

    store:               what is served; the server closes it when it stops.
    host, port:          where to listen; port 0 takes a free one, which `port` tells once started.
    users:               who may log in.
    heartbeat_interval:  seconds of silence after which a client is asked for a sign of life.
    heartbeat_timeout:   seconds of silence after that, until it is cut.
    persistent_tick:     seconds between two looks at what consumers of persistent subscriptions owe an answer for.
    tls:                 the certificate to serve TLS with, on the same port and from the first byte on; see
                         load_certificate. Without it, in clear.
    http_port:           where to answer GET /gossip, /info, /stats and /ping, and to replay parked events, in clear;
                         0 takes a free port, which `http_port` tells once started. Without it there is no HTTP.
    projections:         whether the system projections run: $ce-x, $et-x, $streams and $category-x. What was
                         written before they are first asked for is caught up with.
    strictness:          `Strictness.REAL` to treat repeated appends as a real server does; see Strictness.

    An async context manager; or `await start()` and `await stop()`. Starting raises CannotListen, and
    then the store is closed.
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
        projections: bool = False,
        strictness: Strictness = Strictness.LENIENT,
    ) -> None:
        self.store = store
        self.host = host
        self.port: int = port
        self._node = Node(store, Users(users), groups=Groups(store, persistent_tick), strictness=strictness)
        self._make_heartbeat = partial(Heartbeat, heartbeat_interval, heartbeat_timeout)
        self._tls = tls
        self._http = None if http_port is None else self._http_listener(http_port)
        self._http_starting = asyncio.Lock()
        self._projections = Projections(store) if projections else None
        self._listener: asyncio.Server | None = None
        self._sessions: set[Session] = set()
        self._all_ended = asyncio.Event()
        self._all_ended.set()

    @property
    def has_tls(self) -> bool:
        """Whether clients are served with TLS."""
        return self._tls is not None

    @property
    def has_projections(self) -> bool:
        """Whether the system projections run."""
        return self._projections is not None

    @property
    def http_port(self) -> int | None:
        """The port where HTTP is answered; None where it is not."""
        return None if self._http is None else self._http.port

    @property
    def uri(self) -> str:
        """The connection string of this server, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}{'?tls=true' if self._tls else ''}"

    @property
    def groups(self) -> Groups:
        """The consumer groups of persistent subscriptions."""
        return self._node.groups

    @property
    def client_count(self) -> int:
        """How many clients are connected."""
        return len(self._sessions)

    async def start(self) -> None:
        """Listen from now on."""
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
        if self._http is not None:
            await self._start_http(self._http)

    def _http_listener(self, port: int) -> HttpListener:
        return HttpListener(self.host, port, Resources(self, self._node).respond)

    async def start_http(self) -> int:
        """Answer HTTP from now on, on a free port unless `http_port` named one.

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
        if self._listener is None:  # it was on its way in when the server stopped
            session.abort()

    def _ended(self, session: Session) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._all_ended.set()

    async def stop(self) -> None:
        """Listen no more, commit what was asked for, answer it, close every connection and the store."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._http is not None:
            await self._http.stop()
        for session in self._sessions:
            session.stop()
        if self._projections is not None:
            await self._projections.stop()
        await self._node.close()
        await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        for session in tuple(self._sessions):
            session.say_goodbye()
        try:
            await asyncio.wait_for(self._all_ended.wait(), _GOODBYE_TIMEOUT)
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
