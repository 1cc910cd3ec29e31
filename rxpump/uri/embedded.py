"""Connection strings of servers inside this process.

    memory://[?option=value&...]
    sqlite:///relative/path.db      sqlite:////absolute/path.db

The options are those of Settings, and those of the server, which are fields of EmbeddedAddress.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, unquote

from rxpump.errors import InvalidUri
from rxpump.settings import Settings
from rxpump.uri.addresses import EmbeddedAddress
from rxpump.uri.options import Options, Reader, read_bool, read_option, with_options


def read_memory(parts: SplitResult, options: Options, settings: Settings) -> tuple[EmbeddedAddress, Settings]:
    """Return the address and the settings of a memory:// connection string."""
    if parts.netloc or parts.path:
        raise InvalidUri("host or path", parts.netloc + parts.path, "none: memory:// has only options behind it")
    return _with_options(EmbeddedAddress(), parts, options, settings)


def read_sqlite(parts: SplitResult, options: Options, settings: Settings) -> tuple[EmbeddedAddress, Settings]:
    """Return the address and the settings of a sqlite:/// connection string."""
    allowed = "sqlite:///relative/path.db or sqlite:////absolute/path.db"
    if parts.netloc:
        raise InvalidUri("host", parts.netloc, f"none: {allowed}")
    path = unquote(parts.path.removeprefix("/"))
    if not path:
        raise InvalidUri("path", path, allowed)
    return _with_options(EmbeddedAddress(path), parts, options, settings)


def _strictness(text: str) -> str:
    return {"lenient": "lenient", "real": "real"}[text.lower()]


SERVER_OPTIONS: dict[str, Reader] = {
    "strictness": (_strictness, "lenient or real"),
    "projections": (read_bool, "true or false"),
}
"""Reader of each option that is a field of EmbeddedAddress."""


def _with_options(
    address: EmbeddedAddress, parts: SplitResult, options: Options, settings: Settings
) -> tuple[EmbeddedAddress, Settings]:
    if parts.fragment:
        raise InvalidUri("fragment", parts.fragment, "none (a # in a name is written %23)")
    values: dict[str, Any] = {
        name: read_option(name, text, SERVER_OPTIONS[name]) for name, text in options if name in SERVER_OPTIONS
    }
    others = [(name, text) for name, text in options if name not in SERVER_OPTIONS]
    return replace(address, **values), with_options(settings, others)
