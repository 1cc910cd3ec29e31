"""Connection strings.

    tcp://[login[:password]@]host[:port][?option=value&...]
    memory://
    sqlite:///relative/path.db      sqlite:////absolute/path.db

Login and password are percent-encoded. Options are the fields of Settings, those of its reconnect
policy as reconnect_min_delay, reconnect_max_delay, reconnect_jitter and reconnect_attempts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from rxpump.backoff import Backoff
from rxpump.credentials import Credentials
from rxpump.errors import InvalidArgument, InvalidUri
from rxpump.settings import Settings

DEFAULT_PORT = 1113


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A server elsewhere."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        if not self.host:
            raise InvalidUri("host", self.host, "a host name or address")
        if not isinstance(self.port, int) or not 0 < self.port < 65536:
            raise InvalidUri("port", self.port, "a number from 1 to 65535")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EmbeddedAddress:
    """A server in this process; `path` is its SQLite file, None for one that lives in memory."""

    path: str | None = None

    def __str__(self) -> str:
        return "memory://" if self.path is None else f"sqlite:///{self.path}"


Address = TcpAddress | EmbeddedAddress


def parse(uri: str, settings: Settings | None = None) -> tuple[Address, Settings]:
    """Read a connection string; options in it win over `settings`. Raises InvalidUri."""
    if not isinstance(uri, str):
        raise InvalidUri("uri", uri, "a string like tcp://host:port, memory:// or sqlite:///path")
    parts = urlsplit(uri)
    reader = _SCHEMES.get(parts.scheme)
    if reader is None:
        raise InvalidUri("scheme", parts.scheme, " or ".join(f"{scheme}://" for scheme in _SCHEMES))
    if parts.fragment:
        raise InvalidUri("fragment", parts.fragment, "none (a # in a password is written %23)")
    return reader(parts), _with_options(settings or Settings(), parts.query)


def _tcp(parts: Any) -> TcpAddress:
    if parts.path not in ("", "/"):
        raise InvalidUri("path", parts.path, "none: tcp://host:port")
    try:
        port = parts.port
    except ValueError:
        raise InvalidUri("port", parts.netloc.rpartition(":")[2], "a number from 1 to 65535") from None
    credentials = None
    if parts.username is not None:
        credentials = Credentials(unquote(parts.username), unquote(parts.password or ""))
    return TcpAddress(parts.hostname or "", DEFAULT_PORT if port is None else port, credentials)


def _memory(parts: Any) -> EmbeddedAddress:
    if parts.netloc or parts.path:
        raise InvalidUri("uri", parts.geturl(), "memory:// with nothing behind it but options")
    return EmbeddedAddress()


def _sqlite(parts: Any) -> EmbeddedAddress:
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not path:
        raise InvalidUri("uri", parts.geturl(), "sqlite:///relative/path.db or sqlite:////absolute/path.db")
    return EmbeddedAddress(path)


_SCHEMES: dict[str, Callable[[Any], Address]] = {"tcp": _tcp, "memory": _memory, "sqlite": _sqlite}


def _bool(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _count_or_none(text: str) -> int | None:
    return None if text == "forever" else int(text)


_READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "str": (str, "text"),
    "float": (float, "a number of seconds"),
    "int": (int, "a whole number"),
    "bool": (_bool, "true or false"),
    "int | None": (_count_or_none, "a whole number, or forever"),
}
_SETTINGS = {field.name: str(field.type) for field in fields(Settings) if field.type in _READERS}
_RECONNECT = {f"reconnect_{field.name}": str(field.type) for field in fields(Backoff)}
_OPTIONS = {**_SETTINGS, **_RECONNECT}


def _with_options(settings: Settings, query: str) -> Settings:
    values: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise InvalidUri("option", name, ", ".join(sorted(_OPTIONS)))
        read, allowed = _READERS[_OPTIONS[name]]
        try:
            values[name] = read(text)
        except (ValueError, KeyError):
            raise InvalidUri(f"option {name}", text, allowed) from None
    try:
        reconnect = replace(
            settings.reconnect,
            **{name.removeprefix("reconnect_"): values.pop(name) for name in _RECONNECT if name in values},
        )
        return replace(settings, reconnect=reconnect, **values)
    except InvalidArgument as error:
        raise InvalidUri(f"option {error.argument}", error.value, error.allowed) from None
