"""Parse connection strings. The other modules of this package describe the form for each protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import SplitResult, parse_qsl

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

_PARTS: Final = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
"""Scheme, hosts with credentials, path, query and fragment of a connection string (RFC 3986, appendix B)."""

_BRACKETED: Final = re.compile(r"\[([^\[\]]*)\](?::.*)?", re.DOTALL)
"""An IPv6 address in brackets, with or without a port."""


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
    parts = _split(uri)
    reader = _SCHEMES.get(parts.scheme)
    if reader is None:
        raise InvalidUri("scheme", parts.scheme, " or ".join(f"{scheme}://" for scheme in _SCHEMES))
    return reader(parts, parse_qsl(parts.query, keep_blank_values=True), settings or Settings())


def _split(uri: str) -> SplitResult:
    """Split a connection string into its parts.

    `urllib.parse.urlsplit` does the same for one host. Since Python 3.12.9 it rejects several hosts if one of them is
    an IPv6 address.
    """
    found = _PARTS.fullmatch(uri)
    assert found is not None, "each part can be empty"
    scheme, netloc, path, query, fragment = (part or "" for part in found.groups())
    if not all(map(_is_host, netloc.rpartition("@")[2].split(","))):
        raise InvalidUri("host", uri.rpartition("@")[2], "a host name, or an address (IPv6 in brackets)")
    return SplitResult(scheme.lower(), netloc, path, query, fragment)


def _is_host(text: str) -> bool:
    """Return whether a host can have this form: no spaces, and brackets only around an IPv6 address."""
    if " " in text or not text.isprintable():
        return False
    if "[" not in text and "]" not in text:
        return True
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is None:
        return False
    try:
        IPv6Address(bracketed[1])
    except ValueError:
        return False
    return True
