"""Addresses of servers, as connection strings contain them."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import InvalidUri
from rxpump.model.credentials import AnyCredentials

DEFAULT_PORT = 1113
"""Port for TCP."""

DEFAULT_HTTP_PORT = 2113
"""Port for gRPC, gossip and other requests over HTTP."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """Address of a server over TCP.

    Attributes:
        host: Host name or IP address.
        port: Port.
        credentials: Credentials of the connection, or None for an anonymous one.

    Raises:
        InvalidUri: The host is empty, or the port is out of range.
    """

    host: str = "localhost"
    port: int = DEFAULT_PORT
    credentials: AnyCredentials | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.host, str) or not self.host:
            raise InvalidUri("host", self.host, "a host name or address")
        if not isinstance(self.port, int) or isinstance(self.port, bool) or not 0 < self.port < 65536:
            raise InvalidUri("port", self.port, "a number from 1 to 65535")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Addresses at which a client finds the nodes of a cluster, which it then connects to over TCP.

    Attributes:
        seeds: Hosts, each with the port on which its nodes answer requests for gossip. A host name can stand for
            several nodes.
        credentials: Credentials of the connection, or None for an anonymous one.

    Raises:
        InvalidUri: There is no seed, a host is empty, or a port is out of range.
    """

    seeds: tuple[tuple[str, int], ...]
    credentials: AnyCredentials | None = None

    def __post_init__(self) -> None:
        if not self.seeds:
            raise InvalidUri("host", "", "one or more host names or addresses")
        for host, port in self.seeds:
            TcpAddress(host, port)

    def __str__(self) -> str:
        return f"tcp+discover://{_joined(self.seeds)}"


@dataclass(frozen=True, slots=True)
class EmbeddedAddress:
    """Address of a server inside this process.

    Attributes:
        path: Path of its SQLite file, or None if it keeps its events in memory.
        strictness: `lenient`, or `real` to imitate real servers also where they are stricter
            (docs/embedded-server.md).
        projections: Whether the server runs the system projections.
    """

    path: str | None = None
    strictness: str = "lenient"
    projections: bool = False

    def __str__(self) -> str:
        return "memory://" if self.path is None else f"sqlite:///{self.path}"


@dataclass(frozen=True, slots=True)
class GrpcAddress:
    """Addresses of a server, or of the nodes of a cluster, over gRPC. Times are in seconds.

    Attributes:
        hosts: Hosts, each with its port.
        is_cluster: Whether the client requests the nodes of the cluster from the hosts. If False, there is one host,
            to which the client connects.
        credentials: Credentials of the connection, or None for an anonymous one.
        certificate_file: File with the certificate of the user in PEM format, which takes the place of a login and a
            password. None: no certificate.
        key_file: File with the private key of the certificate; None if `certificate_file` is None.
        keepalive_interval: Time without received bytes after which the client sends a PING of HTTP/2. None: no PINGs.
        keepalive_timeout: Time for the reply to a PING, after which the client closes the connection. Infinite: it
            waits for the reply without a limit.
        sends_credentials_in_clear: Whether credentials are sent although the connection is not encrypted.

    Raises:
        InvalidUri: There is no host, or there are several but `is_cluster` is False; a host is empty, a port is out
            of range; a certificate is given without its key, or the other way round.
    """

    hosts: tuple[tuple[str, int], ...]
    is_cluster: bool = False
    credentials: AnyCredentials | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    keepalive_interval: float | None = 10.0
    keepalive_timeout: float = 10.0
    sends_credentials_in_clear: bool = False

    def __post_init__(self) -> None:
        if not self.hosts or (len(self.hosts) > 1 and not self.is_cluster):
            raise InvalidUri("host", self.hosts, "one host name or address, or several of a cluster")
        for host, port in self.hosts:
            TcpAddress(host, port)
        if (self.certificate_file is None) != (self.key_file is None):
            given = self.certificate_file or self.key_file
            raise InvalidUri("userCertFile, userKeyFile", given, "both, or neither")

    def __str__(self) -> str:
        discover = "+discover" if self.is_cluster else ""
        return f"kurrentdb{discover}://{_joined(self.hosts)}"


def _joined(hosts: tuple[tuple[str, int], ...]) -> str:
    return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in hosts)


Address = TcpAddress | ClusterAddress | EmbeddedAddress | GrpcAddress
