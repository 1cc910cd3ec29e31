"""Make the transport to a server or a cluster over TCP, or to a server inside this process.

`rxpump.connecting` imports this module when a client is made whose connection string is of TCP, so that a program
that uses another protocol does not load TCP, and `import rxpump` loads no protocol.
"""

from __future__ import annotations

from collections.abc import Callable

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.discovery import DiscoveryRetryPolicy, Selector
from rxpump.errors import InvalidArgument
from rxpump.model.credentials import login_of, within
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.tcp.cluster_resolver import ClusterResolver
from rxpump.tcp.embedded_node import EmbeddedNode
from rxpump.tcp.node_resolver import FixedAddress, TcpNodeResolver
from rxpump.tcp.transport import TcpTransport
from rxpump.uri import ClusterAddress, EmbeddedAddress, TcpAddress


def transport_to(
    address: TcpAddress | ClusterAddress | EmbeddedAddress,
    settings: Settings,
    tasks: BackgroundTasks,
    on_status: Callable[[Status], None],
    selector: Selector | None,
    retry_policy: DiscoveryRetryPolicy | None,
) -> TcpTransport:
    """Return a transport that is not connected yet.

    Args:
        address: Hosts and credentials, or the options of an embedded server.
        settings: Settings of the client.
        tasks: Background tasks of the client.
        on_status: Function that is called with each change of the connection's status.
        selector: Function of the user that chooses a node of a cluster, or None.
        retry_policy: Pauses between rounds of requests for gossip, or None for those of the settings.

    Raises:
        InvalidArgument: The credentials are too long, or `tls` is set for an embedded server.
    """
    credentials = None if isinstance(address, EmbeddedAddress) else address.credentials
    if credentials is not None:
        within(credentials, TcpTransport.limits)
    resolver = _resolver(address, settings, selector, retry_policy)
    transport = TcpTransport(resolver, settings, tasks, on_status)
    transport.login = login_of(credentials)
    return transport


def _resolver(
    address: TcpAddress | ClusterAddress | EmbeddedAddress,
    settings: Settings,
    selector: Selector | None,
    retry_policy: DiscoveryRetryPolicy | None,
) -> TcpNodeResolver:
    match address:
        case TcpAddress():
            return FixedAddress(address, settings)
        case ClusterAddress():
            return ClusterResolver(address, settings, selector, retry_policy)
        case EmbeddedAddress():
            if settings.tls:
                reason = f"False with {address}, because a server in this process needs no TLS"
                raise InvalidArgument("tls", True, reason)
            return EmbeddedNode(address)
