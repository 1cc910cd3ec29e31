"""Parse connection strings.

    tcp://[login[:password]@]host[:port][?option=value&...]
    tcp+discover://[login[:password]@]host[:port][,host[:port]...][?option=value&...]
    memory://
    sqlite:///relative/path.db      sqlite:////absolute/path.db

Login and password are percent-encoded. The options are the fields of Settings; those of its reconnect policy are
reconnect_min_delay, reconnect_max_delay, reconnect_jitter and reconnect_attempts. `memory://` and `sqlite:///` also
have the options of the embedded server, which are fields of EmbeddedAddress.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from rxpump.backoff import Backoff
from rxpump.errors import InvalidArgument, InvalidUri
from rxpump.model.credentials import AnyCredentials, Credentials
from rxpump.model.nodes import NodePreference, split_host
from rxpump.settings import Settings

DEFAULT_PORT = 1113
DEFAULT_GOSSIP_PORT = 2113

_T = TypeVar("_T", Settings, Backoff)


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
        hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.seeds)
        return f"tcp+discover://{','.join(hosts)}"


@dataclass(frozen=True, slots=True)
class EmbeddedAddress:
    """Address of a server inside this process.

    Attributes:
        path: Path of its SQLite file, or None if it keeps its events in memory.
        strictness: `lenient`, or `real` for the harsher behaviors of real servers (docs/embedded-server.md).
        projections: Whether the server runs the system projections.
    """

    path: str | None = None
    strictness: str = "lenient"
    projections: bool = False

    def __str__(self) -> str:
        return "memory://" if self.path is None else f"sqlite:///{self.path}"


Address = TcpAddress | ClusterAddress | EmbeddedAddress


def parse(uri: str, settings: Settings | None = None) -> tuple[Address, Settings]:
    """Parse a connection string.

    Args:
        uri: The connection string.
        settings: Settings that its options override. The default are those of `Settings()`.

    Returns:
        The address, and the settings with the options applied.

    Raises:
        InvalidUri: A part of the connection string is malformed, or an option is unknown or has a wrong value.
        InvalidArgument: `settings` is not a Settings.
    """
    if not isinstance(uri, str):
        raise InvalidUri("uri", uri, "a string like tcp://host:port, memory:// or sqlite:///path")
    if settings is not None and not isinstance(settings, Settings):
        raise InvalidArgument("settings", settings, "a Settings")
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise InvalidUri("host", uri.rpartition("@")[2], "a host name, or an address (IPv6 in brackets)") from None
    reader = _SCHEMES.get(parts.scheme)
    if reader is None:
        raise InvalidUri("scheme", parts.scheme, " or ".join(f"{scheme}://" for scheme in _SCHEMES))
    address = reader(parts)
    if parts.fragment:
        raise InvalidUri("fragment", parts.fragment, "none (a # in a name is written %23)")
    options = parse_qsl(parts.query, keep_blank_values=True)
    if isinstance(address, EmbeddedAddress):
        address, options = _with_server_options(address, options)
    return address, _with_options(settings or Settings(), options)


def _tcp(parts: SplitResult) -> TcpAddress:
    port = _port(parts)
    is_whole = port is not None and parts.path in ("", "/") and not parts.fragment
    if not is_whole and "@" in parts.path + parts.query + parts.fragment:
        # An unencoded password was split at the wrong place. The error must not contain any part of it.
        raise InvalidUri("credentials", "(not shown)", "percent-encoded: / is %2F, ? is %3F, # is %23")
    if port is None:
        raise InvalidUri("port", parts.netloc.rpartition(":")[2], "a number from 1 to 65535")
    if parts.path not in ("", "/"):
        raise InvalidUri("path", parts.path, "none: tcp://host:port")
    return TcpAddress(parts.hostname or "", port, _credentials(parts))


def _cluster(parts: SplitResult) -> ClusterAddress:
    user, at, hosts = parts.netloc.rpartition("@")
    if parts.path not in ("", "/") or parts.fragment:
        # `_tcp` has the messages, which do not show a password that was split at the wrong place.
        _tcp(parts._replace(scheme="tcp", netloc=f"{user}{at}host"))
    seeds = tuple(_seed(text) for text in hosts.split(","))
    return ClusterAddress(seeds, _credentials(parts._replace(netloc=f"{user}{at}host")))


def _seed(text: str) -> tuple[str, int]:
    try:
        host, port = split_host(text)
    except ValueError:
        raise InvalidUri("host", text, "host or host:port, several separated by commas (IPv6 in brackets)") from None
    return host, DEFAULT_GOSSIP_PORT if port is None else port


def _port(parts: SplitResult) -> int | None:
    """Return the port, or the default one if none is given; None if it is malformed."""
    try:
        return DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        return None


def _credentials(parts: SplitResult) -> Credentials | None:
    if parts.username is None:
        return None
    try:
        return Credentials(unquote(parts.username, errors="strict"), unquote(parts.password or "", errors="strict"))
    except UnicodeDecodeError:
        raise InvalidUri("credentials", "(not shown)", "percent-encoded UTF-8") from None
    except InvalidArgument as error:
        raise InvalidUri(error.argument, error.value, error.allowed) from None


def _memory(parts: SplitResult) -> EmbeddedAddress:
    if parts.netloc or parts.path:
        raise InvalidUri("host or path", parts.netloc + parts.path, "none: memory:// has only options behind it")
    return EmbeddedAddress()


def _sqlite(parts: SplitResult) -> EmbeddedAddress:
    allowed = "sqlite:///relative/path.db or sqlite:////absolute/path.db"
    if parts.netloc:
        raise InvalidUri("host", parts.netloc, f"none: {allowed}")
    path = unquote(parts.path.removeprefix("/"))
    if not path:
        raise InvalidUri("path", path, allowed)
    return EmbeddedAddress(path)


_SCHEMES: dict[str, Callable[[SplitResult], Address]] = {
    "tcp": _tcp,
    "tcp+discover": _cluster,
    "memory": _memory,
    "sqlite": _sqlite,
}


def _bool(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _strictness(text: str) -> str:
    return {"lenient": "lenient", "real": "real"}[text.lower()]


def _preference(text: str) -> NodePreference:
    return NodePreference(text.lower())


def _overrides(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(","))


def _count_or_none(text: str) -> int | None:
    return None if text == "forever" else int(text)


def _seconds_or_none(text: str) -> float | None:
    return None if text == "forever" else float(text)


_READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "str": (str, "text"),
    "float": (float, "a number"),
    "int": (int, "a whole number"),
    "bool": (_bool, "true or false"),
    "str | None": (str, "text"),
    "bool | None": (_bool, "true or false"),
    "NodePreference | str": (_preference, ", ".join(NodePreference)),
    "Mapping[str, str]": (_overrides, "pairs of addresses, as in 10.0.0.1=a.example.com,10.0.0.2=b.example.com"),
    "int | None": (_count_or_none, "a whole number, or forever"),
    "float | None": (_seconds_or_none, "a number, or forever"),
}
_SETTINGS = {field.name: str(field.type) for field in fields(Settings) if field.type in _READERS}
_RECONNECT = {f"reconnect_{field.name}": str(field.type) for field in fields(Backoff)}
_OPTIONS = {**_SETTINGS, **_RECONNECT}


_SERVER_OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "strictness": (_strictness, "lenient or real"),
    "projections": (_bool, "true or false"),
}


def _with_server_options(
    address: EmbeddedAddress, options: list[tuple[str, str]]
) -> tuple[EmbeddedAddress, list[tuple[str, str]]]:
    """Return `address` with the options that are for the server, and the options that are left."""
    values: dict[str, Any] = {}
    for name, text in options:
        if name in _SERVER_OPTIONS:
            read, allowed = _SERVER_OPTIONS[name]
            try:
                values[name] = read(text)
            except (ValueError, KeyError):
                raise InvalidUri(f"option {name}", text, allowed) from None
    return replace(address, **values), [option for option in options if option[0] not in _SERVER_OPTIONS]


def _with_options(settings: Settings, options: list[tuple[str, str]]) -> Settings:
    values: dict[str, Any] = {}
    for name, text in options:
        if name not in _OPTIONS:
            raise InvalidUri("option", name, ", ".join(sorted(_OPTIONS)))
        read, allowed = _READERS[_OPTIONS[name]]
        try:
            values[name] = read(text)
        except (ValueError, KeyError):
            raise InvalidUri(f"option {name}", text, allowed) from None
    reconnect = {name.removeprefix("reconnect_"): values.pop(name) for name in _RECONNECT if name in values}
    return _replaced(settings, values | {"reconnect": _replaced(settings.reconnect, reconnect, "reconnect_")})


def _replaced(settings: _T, values: dict[str, Any], prefix: str = "") -> _T:
    try:
        return replace(settings, **values)
    except InvalidArgument as error:
        raise InvalidUri(f"option {prefix}{error.argument}", error.value, error.allowed) from None
