"""Create a client from a connection string."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple

from reactivex.subject import BehaviorSubject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.client import Client
from rxpump.discovery import DiscoveryRetryPolicy, Selector
from rxpump.errors import InvalidArgument
from rxpump.model.credentials import Credentials, Token
from rxpump.model.nodes import NodePreference
from rxpump.model.status import Connected, Idle, Status
from rxpump.settings import Settings
from rxpump.transport import Transport
from rxpump.uri import Address, ClusterAddress, EmbeddedAddress, GrpcAddress, TcpAddress, parse

DEFAULT_URI = "tcp://localhost:1113"

OnStatus = Callable[[Status], None]
"""Function that is called with each change of the connection's status."""


def connect(
    uri: str | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    username: str | None = None,
    password: str | None = None,
    token: str | None = None,
    name: str | None = None,
    settings: Settings | None = None,
    loop: object = None,
    discovery_host: str | None = None,
    discovery_port: int = 2113,
    selector: Selector | None = None,
    retry_policy: DiscoveryRetryPolicy | None = None,
    **options: Any,
) -> Client:
    """Return a new client. Connect it with `async with`, or with `await client.connect()` and `await client.close()`.

        async with rxpump.connect("tcp://admin:changeit@localhost:1113?timeout=3") as client:
            ...

    Args:
        uri: Connection string: `tcp://[login:password@]host[:port]`,
            `tcp+discover://[login:password@]host[:port],...` (the nodes of a cluster),
            `kurrentdb://[login:password@]host[:port],...` (a server or a cluster over gRPC), `memory://` (an event
            store inside this process) or `sqlite:///path.db` (the same, kept in a file). It can contain options, as
            in `?timeout=3`. The default is tcp://localhost:1113.
        host: Host; overrides that of the connection string, as do the next four arguments.
        port: Port.
        username: Login.
        password: Password.
        token: Bearer token (JWT) instead of login and password, for servers from version 20.
        name: Name of the client in the log and the statistics of the server.
        settings: Settings. Options of the connection string override them.
        loop: Ignored; programs of photon-pump pass it.
        discovery_host: Host name or address of one or more nodes of a cluster, instead of `uri`. `host` and `port`
            are then ignored.
        discovery_port: Port on which these nodes answer requests for gossip.
        selector: Function that is given the members of a cluster that can be used, and returns one of them. It
            replaces `node_preference`. Reads use that node, and writes the leader. Without a cluster it is ignored.
        retry_policy: Pauses between rounds of requests for gossip. Without a cluster it replaces `reconnect`.
        **options: Fields of Settings, such as `timeout=3`, which override all others.

    Returns:
        A client that is not connected yet.

    Raises:
        InvalidUri: The connection string is malformed.
        InvalidArgument: An argument has a value that is not allowed, or contradicts another one.
    """
    address, settings = _target(uri, settings, discovery_host, discovery_port)
    selection = _selection(address, selector, retry_policy, options)
    if name is not None:
        options["name"] = name
    try:
        settings = replace(settings, **options)
    except TypeError:
        unknown = sorted(set(options) - set(Settings.__dataclass_fields__))
        allowed = ", ".join(Settings.__dataclass_fields__)
        raise InvalidArgument("option", ", ".join(unknown), allowed) from None
    if discovery_host is not None:
        host = port = None
    given = {"host": host, "port": port, "username": username, "password": password, "token": token}
    address = _with_arguments(address, {key: value for key, value in given.items() if value is not None})
    status: BehaviorSubject[Status] = BehaviorSubject(Idle())
    make_transport = _TRANSPORTS[type(address)]
    tasks = BackgroundTasks(settings.name)

    def note(current: Status) -> None:
        if isinstance(current, Connected):
            tasks.peer = current.address
        status.on_next(current)

    client = Client(settings, make_transport(address, settings, tasks, note, selection), status)
    tasks.owner = client
    return client


class Selection(NamedTuple):
    """Functions of the user for a cluster.

    Attributes:
        selector: Function that chooses a node, or None.
        retry_policy: Pauses between rounds of requests for gossip, or None for those of the settings.
    """

    selector: Selector | None
    retry_policy: DiscoveryRetryPolicy | None


def _target(
    uri: str | None, settings: Settings | None, discovery_host: str | None, discovery_port: int
) -> tuple[Address, Settings]:
    """Return the address and the settings of a connection string, or those of `discovery_host`."""
    if discovery_host is None:
        return parse(DEFAULT_URI if uri is None else uri, settings)
    if uri is not None:
        raise InvalidArgument("discovery_host", discovery_host, "no value with a connection string")
    _, settings = parse(DEFAULT_URI, settings)
    return ClusterAddress(((discovery_host, discovery_port),)), settings


def _selection(
    address: Address,
    selector: Selector | None,
    retry_policy: DiscoveryRetryPolicy | None,
    options: dict[str, Any],
) -> Selection:
    """Return the user's functions for a cluster, and add the settings that they require to `options`."""
    if selector is not None and not callable(selector):
        raise InvalidArgument("selector", selector, "a function from a list of members to one of them")
    if retry_policy is not None and not isinstance(retry_policy, DiscoveryRetryPolicy):
        raise InvalidArgument("retry_policy", retry_policy, "a DiscoveryRetryPolicy")
    is_cluster = isinstance(address, ClusterAddress) or (isinstance(address, GrpcAddress) and address.is_cluster)
    if is_cluster and selector is not None:
        options["node_preference"] = NodePreference.RANDOM
    if not is_cluster and retry_policy is not None:
        options.setdefault("reconnect", retry_policy.as_backoff())
    return Selection(selector, retry_policy)


def _with_arguments(address: Address, given: dict[str, Any]) -> Address:
    """Return the address with host, port and credentials replaced by those that were given as arguments."""
    if isinstance(address, EmbeddedAddress):
        if given:
            raise InvalidArgument(", ".join(given), "given", f"no value with {address}, which is in this process")
        return address
    if "token" in given:
        if "username" in given or "password" in given:
            raise InvalidArgument("token", "given", "a token without a username and a password")
        given["credentials"] = Token(given.pop("token"))
    elif "username" in given:
        given["credentials"] = Credentials(given.pop("username"), given.pop("password", ""))
    elif "password" in given:
        raise InvalidArgument("password", "given", "a password together with a username")
    if isinstance(address, GrpcAddress) and not address.is_cluster:
        ((host, port),) = address.hosts
        given["hosts"] = ((given.pop("host", host), given.pop("port", port)),)
    try:
        return replace(address, **given)
    except TypeError:
        raise InvalidArgument(
            ", ".join(given), "given", f"no value with {address}, which has its own hosts"
        ) from None


def _over_tcp(
    address: Address, settings: Settings, tasks: BackgroundTasks, on_status: OnStatus, selection: Selection
) -> Transport:
    transport: Transport = import_module("rxpump.tcp.opening").transport_to(
        address, settings, tasks, on_status, *selection
    )
    return transport


def _over_grpc(
    address: GrpcAddress, settings: Settings, tasks: BackgroundTasks, on_status: OnStatus, selection: Selection
) -> Transport:
    transport: Transport = import_module("rxpump.grpc.opening").transport_to(
        address, settings, tasks, on_status, *selection
    )
    return transport


_TRANSPORTS: dict[type[Address], Callable[[Any, Settings, BackgroundTasks, OnStatus, Selection], Transport]] = {
    TcpAddress: _over_tcp,
    ClusterAddress: _over_tcp,
    GrpcAddress: _over_grpc,
    EmbeddedAddress: _over_tcp,
}
"""Function that creates the transport, for each class of addresses that `rxpump.uri` returns."""
