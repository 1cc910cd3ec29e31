"""Options of connection strings that are fields of Settings and of its reconnect policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from rxpump.backoff import Backoff
from rxpump.errors import InvalidArgument, InvalidUri
from rxpump.model.nodes import NodePreference
from rxpump.settings import Settings

_T = TypeVar("_T", Settings, Backoff)


def read_bool(text: str) -> bool:
    """Return the value of `true`, `false`, `1` or `0`."""
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _preference(text: str) -> NodePreference:
    return NodePreference(text.lower())


def _overrides(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(","))


def _count_or_none(text: str) -> int | None:
    return None if text == "forever" else int(text)


def _seconds_or_none(text: str) -> float | None:
    return None if text == "forever" else float(text)


Reader = tuple[Callable[[str], object], str]
"""Function that converts the text of an option, and the values that it accepts."""

Options = list[tuple[str, str]]
"""Names and texts of the options of a connection string."""

_READERS: dict[str, Reader] = {
    "str": (str, "text"),
    "float": (float, "a number"),
    "int": (int, "a whole number"),
    "bool": (read_bool, "true or false"),
    "str | None": (str, "text"),
    "bool | None": (read_bool, "true or false"),
    "NodePreference | str": (_preference, ", ".join(NodePreference)),
    "Mapping[str, str]": (_overrides, "pairs of addresses, as in 10.0.0.1=a.example.com,10.0.0.2=b.example.com"),
    "int | None": (_count_or_none, "a whole number, or forever"),
    "float | None": (_seconds_or_none, "a number, or forever"),
}
_SETTINGS = {field.name: str(field.type) for field in fields(Settings) if field.type in _READERS}
_RECONNECT = {f"reconnect_{field.name}": str(field.type) for field in fields(Backoff)}
OPTIONS = {name: _READERS[kind] for name, kind in (_SETTINGS | _RECONNECT).items()}
"""Reader of each option that is a field of Settings, or of its reconnect policy."""


def with_options(settings: Settings, options: Options) -> Settings:
    """Return settings with the options of a connection string applied.

    Raises:
        InvalidUri: An option is unknown, or has a wrong value.
    """
    values: dict[str, Any] = {}
    for name, text in options:
        if name not in OPTIONS:
            raise InvalidUri("option", name, ", ".join(sorted(OPTIONS)))
        values[name] = read_option(name, text, OPTIONS[name])
    return with_values(settings, values)


def read_option(name: str, text: str, reader: Reader) -> Any:
    """Return the value of an option.

    Raises:
        InvalidUri: The text is not a value of this option.
    """
    read, allowed = reader
    try:
        return read(text)
    except (ValueError, KeyError):
        raise InvalidUri(f"option {name}", text, allowed) from None


def with_values(settings: Settings, values: dict[str, Any]) -> Settings:
    """Return settings with the values of options, by the name of the option.

    Raises:
        InvalidUri: A value is not allowed.
    """
    reconnect = {name.removeprefix("reconnect_"): values[name] for name in _RECONNECT if name in values}
    others = {name: value for name, value in values.items() if name not in _RECONNECT}
    return _replaced(settings, others | {"reconnect": _replaced(settings.reconnect, reconnect, "reconnect_")})


def _replaced(settings: _T, values: dict[str, Any], prefix: str = "") -> _T:
    try:
        return replace(settings, **values)
    except InvalidArgument as error:
        raise InvalidUri(f"option {prefix}{error.argument}", error.value, error.allowed) from None
