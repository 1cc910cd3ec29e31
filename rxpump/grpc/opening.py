"""Make the transport to a server or a cluster over gRPC.

`rxpump.connecting` imports this module when a client is made whose connection string is of gRPC, so that a program
that uses another protocol does not load gRPC.
"""

from __future__ import annotations

from collections.abc import Callable

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.discovery import DiscoveryRetryPolicy, Selector
from rxpump.grpc.dialer import Dialer
from rxpump.grpc.nodes import nodes_of
from rxpump.grpc.transport import GrpcTransport
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.uri import GrpcAddress


def transport_to(
    address: GrpcAddress,
    settings: Settings,
    tasks: BackgroundTasks,
    on_status: Callable[[Status], None],
    selector: Selector | None,
    retry_policy: DiscoveryRetryPolicy | None,
) -> GrpcTransport:
    """Return a transport that is not connected yet.

    Args:
        address: Hosts and credentials.
        settings: Settings of the client.
        tasks: Background tasks of the client.
        on_status: Function that is called with each change of the connection's status.
        selector: Function of the user that chooses a node of a cluster, or None.
        retry_policy: Pauses between rounds of requests for gossip, or None for those of the settings.
    """
    dialer = Dialer.to(address, settings)
    return GrpcTransport(
        nodes_of(address, dialer, settings, selector, retry_policy), dialer, settings, tasks, on_status
    )
