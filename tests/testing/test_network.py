"""A simulated network between a client and a server, which fails when the test requests it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import pytest

import rxpump
from rxpump.blocking import BlockingClient
from rxpump.errors import ConnectionFailed, InvalidArgument, OperationTimedOut
from rxpump.testing import EventStore, Network, NotRunning, Recorded, wait_for
from rxpump.testing.proxy import Proxy
from tests.ports import unused_port

QUICK = rxpump.Settings(reconnect=rxpump.Backoff(min_delay=0.01, max_delay=0.02))


@pytest.fixture(scope="module")
def event_store() -> Iterator[EventStore]:
    with EventStore() as store:
        yield store


@pytest.fixture
def network(event_store: EventStore) -> Iterator[Network]:
    with Network(event_store.uri) as network:
        yield network


@pytest.fixture
def client(network: Network) -> Iterator[BlockingClient]:
    with rxpump.open(network.uri, settings=QUICK) as client:
        yield client


@pytest.mark.parametrize("failure", [Network.cut, Network.half_close, Network.corrupt, Network.lose_reply])
def test_a_client_survives_each_failure(
    failure: object, network: Network, client: BlockingClient, event_store: EventStore
) -> None:
    stream = f"after-{getattr(failure, '__name__', '')}"
    client.publish_event(stream, "First")
    assert callable(failure)
    failure(network)
    client.publish_event(stream, "Second")
    client.publish_event(stream, "Third")
    assert Recorded(event_store.read_events).types(stream) == ["First", "Second", "Third"]
    assert network.accepted >= 2


def test_nothing_arrives_while_the_network_is_stalled(network: Network, client: BlockingClient) -> None:
    network.stall()
    with pytest.raises(OperationTimedOut):
        client.ping(timeout=0.05)
    network.restore()
    client.ping()


def test_new_connections_are_refused_until_restore(network: Network, client: BlockingClient) -> None:
    network.refuse()
    with pytest.raises(ConnectionFailed):
        rxpump.open(network.uri, settings=rxpump.Settings(connect_within=0.1))
    network.restore()
    client.ping()


def test_bytes_take_their_time_on_a_slow_network(network: Network, client: BlockingClient) -> None:
    network.slow(1_000_000)
    client.publish_event("large", "Large", bytes(400_000))
    with pytest.raises(OperationTimedOut):
        client.publish_event("large", "Large", bytes(400_000), timeout=0.05)
    network.restore()
    client.ping()


def test_connections_are_cut_at_random(network: Network, client: BlockingClient, event_store: EventStore) -> None:
    network.cut_at_random(mean_bytes=3_000, seed=1)
    network.cut()
    for number in range(100):
        client.publish_event("often", "Placed", {"number": number})
    assert Recorded(event_store.read_events)["often"] == [("Placed", {"number": number}) for number in range(100)]
    assert network.accepted > 3


async def test_a_client_in_another_event_loop_can_use_it(network: Network) -> None:
    async with rxpump.connect(network.uri) as client:
        assert network.open_connections == 1
        network.cut()
        await client.ping()
    await wait_for(lambda: network.open_connections == 0)


def test_grpc_works_through_the_network(event_store: EventStore) -> None:
    with Network(event_store.grpc_uri) as network, rxpump.open(network.uri, settings=QUICK) as client:
        client.publish_event("grpc", "First")
        network.cut()
        client.publish_event("grpc", "Second")
        assert network.accepted >= 2
    assert Recorded(event_store.read_events).types("grpc") == ["First", "Second"]


def test_the_uri_differs_only_in_host_and_port(event_store: EventStore) -> None:
    with Network(event_store.uri) as network:
        inside, outside = urlsplit(event_store.uri), urlsplit(network.uri)
        assert outside.port != inside.port
        assert outside._replace(netloc="") == inside._replace(netloc="")
        assert (outside.username, outside.password, outside.hostname) == ("admin", "changeit", "127.0.0.1")


def test_its_thread_and_its_connections_end_with_it(event_store: EventStore) -> None:
    with (
        Network(event_store.uri) as network,
        socket.create_connection(("127.0.0.1", urlsplit(network.uri).port)) as end,
    ):
        network.start()
        network.stall()
        end.settimeout(120)
        network.stop()
        with suppress(ConnectionResetError):
            assert end.recv(1) == b""
    assert "rxpump.testing.Network" not in [thread.name for thread in threading.enumerate()]


def test_a_server_that_is_down_cuts_the_connection() -> None:
    with Network(f"tcp://127.0.0.1:{unused_port()}") as network, pytest.raises(ConnectionFailed):
        rxpump.open(network.uri, settings=rxpump.Settings(connect_within=0.1))


@pytest.mark.parametrize(
    "uri",
    [
        "memory://",
        "tcp+discover://one:2113,two:2113",
        "kurrentdb://one:2113,two:2113?tls=false",
        "kurrentdb://one:2113",
        "tcp://one:1113?tls=true",
    ],
)
def test_it_needs_one_server_without_tls(uri: str) -> None:
    with pytest.raises(InvalidArgument, match="the connection string of one server, without TLS"):
        Network(uri)


def test_a_rate_must_be_positive(network: Network) -> None:
    with pytest.raises(InvalidArgument, match="bytes_per_second"):
        network.slow(0)
    with pytest.raises(InvalidArgument, match="mean_bytes"):
        network.cut_at_random(0)


def test_a_failed_start_can_be_repeated(event_store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(event_store.uri)
    with monkeypatch.context() as patch:
        patch.setattr(Proxy, "__aenter__", AsyncMock(side_effect=OSError("no free port")))
        with pytest.raises(OSError, match="no free port"):
            network.start()
    with network, rxpump.open(network.uri) as client:
        client.publish_event("ponies", "Jumped")


def test_a_network_that_does_not_run_says_so() -> None:
    network = Network("tcp://127.0.0.1:1113")
    assert repr(network) == "<Network to 127.0.0.1:1113, stopped>"
    for use in (network.cut, network.restore, lambda: network.uri, lambda: network.accepted):
        with pytest.raises(NotRunning, match="the Network is not running"):
            use()
    network.stop()
    with network:
        assert repr(network) == "<Network to 127.0.0.1:1113, 0 connections>"
