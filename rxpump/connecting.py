"""Make a client from a connection string."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reactivex.subject import BehaviorSubject

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.client import Client
from rxpump.errors import InvalidArgument
from rxpump.model.credentials import Credentials, Token, within
from rxpump.model.status import Idle, Status
from rxpump.settings import Settings
from rxpump.tcp.cluster_resolver import ClusterResolver
from rxpump.tcp.embedded_node import EmbeddedNode
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.transport import TcpTransport
from rxpump.transport import Transport
from rxpump.uri import Address, ClusterAddress, EmbeddedAddress, TcpAddress, parse

DEFAULT_URI = "tcp://localhost:1113"


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
    **options: Any,
) -> Client:
    """Make a client. Connect it with `async with`, or with `await client.connect()` and `await client.close()`.

        async with rxpump.connect("tcp://admin:changeit@localhost:1113?timeout=3") as client:
            ...

    Args:
        uri: Connection string: `tcp://[login:password@]host[:port]`, `memory://` (an event store inside this process)
            or `sqlite:///path.db` (the same, kept in a file). It can contain options, as in `?timeout=3`. The default
            is tcp://localhost:1113.
        host: Host; overrides that of the connection string, as do the next four arguments.
        port: Port.
        username: Login.
        password: Password.
        token: Bearer token (JWT) in place of login and password, for servers from version 20.
        name: Name of the client in the log and the statistics of the server.
        settings: Settings. Options of the connection string override them.
        loop: Ignored; programs of photon-pump pass it.
        **options: Fields of Settings, such as `timeout=3`, which override all others.

    Returns:
        A client that is not connected yet.

    Raises:
        InvalidUri: The connection string is malformed.
        InvalidArgument: An argument has a value that is not allowed, or contradicts another one.
    """
    address, settings = parse(DEFAULT_URI if uri is None else uri, settings)
    if name is not None:
        options["name"] = name
    try:
        settings = replace(settings, **options)
    except TypeError:
        unknown = sorted(set(options) - set(Settings.__dataclass_fields__))
        allowed = ", ".join(Settings.__dataclass_fields__)
        raise InvalidArgument("option", ", ".join(unknown), allowed) from None
    given = {"host": host, "port": port, "username": username, "password": password, "token": token}
    address = _with_arguments(address, {key: value for key, value in given.items() if value is not None})
    status: BehaviorSubject[Status] = BehaviorSubject(Idle())
    make_transport = _TRANSPORTS[type(address)]
    tasks = BackgroundTasks(settings.name)
    client = Client(settings, make_transport(address, settings, tasks, status.on_next), status)
    tasks.owner = client
    return client


def _with_arguments(address: Address, given: dict[str, Any]) -> Address:
    """Return the address with host, port and credentials replaced by those that were given as arguments."""
    if isinstance(address, EmbeddedAddress):
        if given:
            raise InvalidArgument(
                ", ".join(given), "given", f"not given with {address}, which is a server of its own"
            )
        return address
    if "token" in given:
        if "username" in given or "password" in given:
            raise InvalidArgument("token", "given", "a token without a username and a password")
        given["credentials"] = Token(given.pop("token"))
    elif "username" in given:
        given["credentials"] = Credentials(given.pop("username"), given.pop("password", ""))
    elif "password" in given:
        raise InvalidArgument("password", "given", "a password together with a username")
    try:
        return replace(address, **given)
    except TypeError:
        raise InvalidArgument(", ".join(given), "given", f"not given with {address}, which has its own") from None


def _to_server(
    address: TcpAddress, settings: Settings, tasks: BackgroundTasks, on_status: Callable[[Status], None]
) -> Transport:
    if address.credentials is not None:
        within(address.credentials, TcpTransport.limits)
    return TcpTransport(FixedAddress(address), settings, tasks, on_status)


def _embedded(
    address: EmbeddedAddress, settings: Settings, tasks: BackgroundTasks, on_status: Callable[[Status], None]
) -> Transport:
    if settings.tls:
        raise InvalidArgument("tls", True, f"False with {address}, because a server in this process needs no TLS")
    return TcpTransport(EmbeddedNode(address), settings, tasks, on_status)


def _to_cluster(
    address: ClusterAddress, settings: Settings, tasks: BackgroundTasks, on_status: Callable[[Status], None]
) -> Transport:
    return TcpTransport(ClusterResolver(address, settings), settings, tasks, on_status)


_TRANSPORTS: dict[type[Address], Callable[[Any, Settings, BackgroundTasks, Callable[[Status], None]], Transport]] = {
    TcpAddress: _to_server,
    ClusterAddress: _to_cluster,
    EmbeddedAddress: _embedded,
}
"""The transport for each kind of address; `rxpump.uri` has the kind of address for each scheme."""
