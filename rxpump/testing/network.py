"""A simulated network between clients and a server, whose failures a test controls from any thread."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from rxpump.blocking.loop_thread import LoopThread
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.testing.errors import NotRunning
from rxpump.testing.proxy import Proxy
from rxpump.uri import GrpcAddress, TcpAddress, parse

T = TypeVar("T")


class Network:
    """A proxy between clients and one server, which fails when the test requests it.

    It runs in a separate thread, so that clients in any event loop, blocking clients and other processes can use it.
    A method returns when its failure has begun.

        with EventStore() as event_store, Network(event_store.uri) as network:
            async with rxpump.connect(network.uri) as client:
                network.cut()
                await client.publish_event("orders", "Placed", {"price": 5})

    Args:
        uri: Connection string of the server: one host, TCP or gRPC, without TLS.

    Raises:
        InvalidArgument: `uri` is that of a cluster or of a server in this process.
        InvalidUri: `uri` is malformed.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._host, self._port = _host_and_port(uri)
        self._thread: LoopThread | None = None
        self._proxy: Proxy | None = None

    @property
    def uri(self) -> str:
        """Connection string for the server through this network.

        Raises:
            NotRunning: The network was not started, or was stopped.
        """
        parts = urlsplit(self._uri)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self._running().port}"))

    @property
    def accepted(self) -> int:
        """Number of connections that clients have opened."""
        return self._running().accepted

    @property
    def open_connections(self) -> int:
        """Number of connections that are open now."""
        return self._running().open_connections

    # Failures -------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Reset every open connection. Clients can connect again at once."""
        self._call(Proxy.cut)

    def refuse(self) -> None:
        """Reset every open connection, and new ones until `restore`, as if the server was down."""

        def refuse(proxy: Proxy) -> None:
            proxy.refuses = True
            proxy.cut()

        self._call(refuse)

    def half_close(self) -> None:
        """End every open connection in the direction from server to client. The other direction stays open."""
        self._call(Proxy.half_close)

    def stall(self) -> None:
        """Delay all bytes until `restore`. Connections stay open, and new ones are accepted."""
        self._call(Proxy.stall)

    def slow(self, bytes_per_second: float) -> None:
        """Limit the rate in each direction of a connection, until `restore`.

        Args:
            bytes_per_second: The limit, more than 0.

        Raises:
            InvalidArgument: The limit is not positive.
        """
        rate = checks.seconds("bytes_per_second", bytes_per_second)
        self._call(lambda proxy: setattr(proxy, "bytes_per_second", rate))

    def corrupt(self) -> None:
        """Invert all bits of the next bytes from the server."""
        self._call(Proxy.corrupt_reply)

    def lose_reply(self) -> None:
        """Drop the next bytes from the server, and close their connection.

        For the client it is then unknown whether the server has executed its request.
        """
        self._call(Proxy.lose_reply)

    def cut_at_random(self, mean_bytes: int, seed: int = 0) -> None:
        """Cut each connection that is opened from now on after a random number of bytes, until `restore`.

        Args:
            mean_bytes: Average number of bytes in both directions together, at least 1.
            seed: Seed of the random numbers. The same seed has the same cuts.

        Raises:
            InvalidArgument: `mean_bytes` is less than 1.
        """
        mean, chance = checks.count("mean_bytes", mean_bytes), random.Random(seed)
        self._call(lambda proxy: proxy.cut_at_random(chance, mean))

    def restore(self) -> None:
        """End all failures: bytes flow at full rate, and new connections are accepted and not cut."""
        self._call(Proxy.restore)

    # Start and end --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start accepting connections. Do nothing if it was started."""
        if self._thread is None:
            self._thread = LoopThread("rxpump.testing.Network", self._stop_proxy)
            try:
                self._proxy = self._thread.call(self._start_proxy)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Cut all connections, and accept no more. Do nothing if it was stopped."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
            self._proxy = None

    async def _start_proxy(self) -> Proxy:
        return await Proxy(self._port, host=self._host).__aenter__()

    async def _stop_proxy(self) -> None:
        if self._proxy is not None:
            await self._proxy.__aexit__(None, None, None)

    def _call(self, function: Callable[[Proxy], T]) -> T:
        """Call a function of the proxy in its thread, and return its result."""
        proxy = self._running()
        assert self._thread is not None

        async def call() -> T:
            return function(proxy)

        return self._thread.call(call)

    def _running(self) -> Proxy:
        if self._proxy is None:
            raise NotRunning("Network")
        return self._proxy

    def __enter__(self) -> Network:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._proxy is None else f"{self._proxy.open_connections} connections"
        return f"<Network to {self._host}:{self._port}, {state}>"


def _host_and_port(uri: str) -> tuple[str, int]:
    """Return the host and the port of a server in a connection string."""
    address, settings = parse(uri)
    if isinstance(address, TcpAddress) and not settings.tls:
        return address.host, address.port
    if isinstance(address, GrpcAddress) and len(address.hosts) == 1 and not address.is_cluster and not settings.tls:
        return address.hosts[0]
    raise InvalidArgument("uri", uri, "the connection string of one server, without TLS")
