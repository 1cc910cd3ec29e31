"""A server for one test, which runs in a separate thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from types import TracebackType

from rxpump.blocking.loop_thread import LoopThread
from rxpump.connecting import connect
from rxpump.model.events import Event
from rxpump.server.access.users import DEFAULT_ACCOUNTS, Account
from rxpump.server.embedded_server import EmbeddedServer
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.testing.errors import NotRunning
from rxpump.testing.plain_events import is_of_a_program


class EventStore:
    """A server with an empty store in memory, for tests with any event loop or with none.

    The server runs in a separate thread. Therefore blocking clients, other processes and clients in any event loop
    can use it, and it serves other clients while a test blocks its own event loop. Its data are lost at the end.

        with EventStore() as event_store, rxpump.open(event_store.uri) as client:
            client.publish_event("orders", "Placed", {"price": 5})

    Args:
        projections: Whether to run the system projections ($ce-x, $et-x, $bc-x, $streams, $category-x).
        users: Users that can log in.
        strictness: How exactly to imitate undocumented behavior of a real server.
    """

    def __init__(
        self,
        *,
        projections: bool = False,
        users: Iterable[Account] = DEFAULT_ACCOUNTS,
        strictness: Strictness = Strictness.LENIENT,
    ) -> None:
        self._projections = projections
        self._users = tuple(users)
        self._strictness = strictness
        self._thread: LoopThread | None = None
        self._server: EmbeddedServer | None = None

    @property
    def uri(self) -> str:
        """Connection string of the TCP protocol, for the user admin.

        Raises:
            NotRunning: The server is not running.
        """
        server = self._running()
        return f"tcp://admin:changeit@{server.host}:{server.port}?http_port={server.grpc_port}"

    @property
    def grpc_uri(self) -> str:
        """Connection string of gRPC, for the user admin.

        Raises:
            NotRunning: The server is not running.
        """
        server = self._running()
        return f"kurrentdb://admin:changeit@{server.host}:{server.grpc_port}?tls=false&credentialsInClear=true"

    def start(self) -> None:
        """Start the server. Do nothing if it is running."""
        if self._thread is None:
            self._thread = LoopThread("rxpump.testing.EventStore", self._stop_server)
            try:
                self._server = self._thread.call(self._start_server)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop the server, and drop its data. Do nothing if it is not running."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
            self._server = None

    def read_events(self) -> Sequence[Event]:
        """Return the events of all streams in the order of their writes, without those of the server itself.

        Raises:
            NotRunning: The server is not running.
        """
        uri = self.uri
        assert self._thread is not None
        return self._thread.call(partial(_read_events, uri))

    async def _start_server(self) -> EmbeddedServer:
        store = SqliteStore.in_memory()
        try:
            server = EmbeddedServer(
                store,
                users=self._users,
                grpc_port=0,
                projections=self._projections,
                strictness=self._strictness,
            )
        except BaseException:
            await store.close()
            raise
        await server.start()
        return server

    async def _stop_server(self) -> None:
        if self._server is not None:
            await self._server.stop()

    def _running(self) -> EmbeddedServer:
        if self._server is None:
            raise NotRunning("EventStore")
        return self._server

    def __enter__(self) -> EventStore:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return "<EventStore stopped>" if self._server is None else f"<EventStore {self.uri}>"


async def _read_events(uri: str) -> Sequence[Event]:
    async with connect(uri) as client:
        events = [event async for event in client.iter_all(resolve_links=False)]
    return [event for event in events if is_of_a_program(event)]
