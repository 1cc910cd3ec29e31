"""Read the parts of a connection string before its options: credentials and hosts."""

from __future__ import annotations

from urllib.parse import SplitResult, unquote

from rxpump.errors import InvalidArgument, InvalidUri
from rxpump.model.credentials import Credentials
from rxpump.model.nodes import split_host


def read_port(parts: SplitResult, default: int) -> int:
    """Return the port of the only host, or `default` if the connection string has no port.

    Raises:
        InvalidUri: The port is malformed. The error contains no part of a password.
    """
    try:
        return default if parts.port is None else parts.port
    except ValueError:
        check_credentials(parts)
        raise InvalidUri("port", parts.netloc.rpartition(":")[2], "a number from 1 to 65535") from None


def check_end(parts: SplitResult, example: str) -> None:
    """Check that no path and no fragment follows the hosts.

    Args:
        parts: Parts of the connection string.
        example: Connection string without a path.

    Raises:
        InvalidUri: There is a path or a fragment. The error contains no part of a password.
    """
    if parts.path in ("", "/") and not parts.fragment:
        return
    check_credentials(parts)
    if parts.path not in ("", "/"):
        raise InvalidUri("path", parts.path, f"none: {example}")
    raise InvalidUri("fragment", parts.fragment, "none (a # in a name is written %23)")


def check_credentials(parts: SplitResult) -> None:
    """Check that the credentials were not split at the wrong place.

    Raises:
        InvalidUri: They are not encoded. The error does not contain any part of them.
    """
    if "@" in parts.path + parts.query + parts.fragment:
        raise InvalidUri("credentials", "(not shown)", "percent-encoded: / is %2F, ? is %3F, # is %23")


def read_credentials(parts: SplitResult) -> Credentials | None:
    """Return the login and the password before the hosts; None if there is no login.

    Raises:
        InvalidUri: They are malformed.
    """
    user, at, _ = parts.netloc.rpartition("@")
    if not at:
        return None
    login, _, password = user.partition(":")
    try:
        return Credentials(unquote(login, errors="strict"), unquote(password, errors="strict"))
    except UnicodeDecodeError:
        raise InvalidUri("credentials", "(not shown)", "percent-encoded UTF-8") from None
    except InvalidArgument as error:
        raise InvalidUri(error.argument, error.value, error.allowed) from None


def read_hosts(parts: SplitResult, default_port: int) -> tuple[tuple[str, int], ...]:
    """Return the hosts with their ports.

    Raises:
        InvalidUri: A host or a port is malformed.
    """
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return tuple(_read_host(text, default_port) for text in hosts)


def _read_host(text: str, default_port: int) -> tuple[str, int]:
    try:
        host, port = split_host(text)
    except ValueError:
        raise InvalidUri("host", text, "host or host:port, several separated by commas (IPv6 in brackets)") from None
    return host, default_port if port is None else port
