"""Servers, a network that fails, virtual time and a mock transport, for tests of programs that use rxpump.

`EventStore` is a server for one test. `Network` is a connection to it, which fails when the test requests it.
`Recorded` contains the events that a test has published. `EmbeddedCluster` is a cluster of servers, whose nodes fail
when the test requests it.

`given` and `Marbles` check a pipeline without a server, in virtual time. `MockTransport` is an event store in memory
without sockets, files and threads, and a test decides when its connection is lost.

The fixtures of `rxpump/pytest_plugin.py` make most of these. docs/testing.md shows how to use them.

Example:
    def test_prices_of_orders() -> None:
        given([("Placed", {"price": 5})]).when(ops.json(), rx.map(lambda order: order["price"])).then([5])
"""

from rxpump.discovery.member import NodeState
from rxpump.server.http.gossip import GossipWords
from rxpump.testing.clients import mock_client
from rxpump.testing.cluster import ClusterNode, EmbeddedCluster, NoLeader, NoQuorum
from rxpump.testing.errors import NotRunning
from rxpump.testing.event_store import EventStore
from rxpump.testing.marbles import Marbles
from rxpump.testing.mock_transport import MockTransport
from rxpump.testing.network import Network
from rxpump.testing.plain_events import PlainEvent, plain
from rxpump.testing.recorded import Recorded
from rxpump.testing.scenario import given
from rxpump.testing.virtual_time import NothingScheduled, VirtualTimeLoop
from rxpump.testing.waiting import ConditionNotMet, wait_for

__all__ = [
    "ClusterNode",
    "ConditionNotMet",
    "EmbeddedCluster",
    "EventStore",
    "GossipWords",
    "Marbles",
    "MockTransport",
    "Network",
    "NoLeader",
    "NoQuorum",
    "NodeState",
    "NotRunning",
    "NothingScheduled",
    "PlainEvent",
    "Recorded",
    "VirtualTimeLoop",
    "given",
    "mock_client",
    "plain",
    "wait_for",
]
