"""Who may do what with a stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from rxpump.errors import InvalidArgument

EVERYONE: Final = "$all"
"""The role that everybody has, also who has not logged in."""

ADMINS: Final = "$admins"
"""The role that may do everything, whatever an Acl says."""

Roles = str | Iterable[str] | None
"""How roles may be given: one, several, or None for what the server's default is."""


@dataclass(frozen=True, slots=True, init=False)
class Acl:
    """For each thing that can be done with a stream, the roles (groups, or logins) that may do it.

    None leaves it to the server's default; an empty tuple lets nobody but admins
    (docs/protocol/tcp.md, section 4.10).

    read, write, delete:             the stream itself.
    metadata_read, metadata_write:   its metadata, this Acl among them.
    """

    read: tuple[str, ...] | None
    write: tuple[str, ...] | None
    delete: tuple[str, ...] | None
    metadata_read: tuple[str, ...] | None
    metadata_write: tuple[str, ...] | None

    def __init__(
        self,
        read: Roles = None,
        write: Roles = None,
        delete: Roles = None,
        metadata_read: Roles = None,
        metadata_write: Roles = None,
    ) -> None:
        given = (read, write, delete, metadata_read, metadata_write)
        for name, roles in zip(_KEYS, given, strict=True):
            object.__setattr__(self, name, _roles(name, roles))

    def to_json(self) -> dict[str, list[str]]:
        """Give the value of `$acl`."""
        return {key: list(roles) for name, key in _KEYS.items() if (roles := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, value: Any) -> Acl:
        """Read the value of `$acl`, as strictly as the server: one unknown key spoils it. Raises InvalidArgument."""
        if not isinstance(value, dict) or not value.keys() <= set(_KEYS.values()):
            raise InvalidArgument("$acl", value, f"an object with the keys {', '.join(_KEYS.values())}")
        for key, roles in value.items():
            if not isinstance(roles, (str, list)):
                raise InvalidArgument(key, roles, _ALLOWED)
        return cls(**{name: value[key] for name, key in _KEYS.items() if key in value})


_KEYS: Final = {"read": "$r", "write": "$w", "delete": "$d", "metadata_read": "$mr", "metadata_write": "$mw"}
_ALLOWED: Final = "a role, or several"


def _roles(name: str, given: Roles) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return (given,)
    roles = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(role, str) for role in roles):
        raise InvalidArgument(name, given, _ALLOWED)
    return roles
