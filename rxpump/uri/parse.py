"""Parse connection strings. The other modules of this package describe the form for each protocol."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, parse_qsl, urlsplit

from rxpump.errors import InvalidArgument, InvalidUri
from rxpump.settings import Settings
from rxpump.uri.addresses import Address
from rxpump.uri.embedded import read_memory, read_sqlite
from rxpump.uri.grpc import read_grpc
from rxpump.uri.options import Options
from rxpump.uri.tcp import read_cluster, read_tcp

_SCHEMES: dict[str, Callable[[SplitResult, Options, Settings], tuple[Address, Settings]]] = {
    "tcp": read_tcp,
    "tcp+discover": read_cluster,
    "kurrentdb": read_grpc,
    "kurrentdb+discover": read_grpc,
    "esdb": read_grpc,
    "esdb+discover": read_grpc,
    "kdb": read_grpc,
    "kdb+discover": read_grpc,
    "memory": read_memory,
    "sqlite": read_sqlite,
}


def parse(uri: str, settings: Settings | None = None) -> tuple[Address, Settings]:
    """Parse a connection string.

    Args:
        uri: The connection string.
        settings: Settings that the options override. Default: `Settings()`.

    Returns:
        The address, and the settings with the options applied.

    Raises:
        InvalidUri: A part of the connection string is malformed, or an option is unknown or has a wrong value.
        InvalidArgument: `settings` is not a Settings.
    """
    if not isinstance(uri, str):
        raise InvalidUri(
            "uri", uri, "a string like tcp://host:port, kurrentdb://host:port, memory:// or sqlite:///path"
        )
    if settings is not None and not isinstance(settings, Settings):
        raise InvalidArgument("settings", settings, "a Settings")
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise InvalidUri("host", uri.rpartition("@")[2], "a host name, or an address (IPv6 in brackets)") from None
    reader = _SCHEMES.get(parts.scheme)
    if reader is None:
        raise InvalidUri("scheme", parts.scheme, " or ".join(f"{scheme}://" for scheme in _SCHEMES))
    return reader(parts, parse_qsl(parts.query, keep_blank_values=True), settings or Settings())
