"""Access control lists of streams."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from rxpump.errors import InvalidArgument
from rxpump.model.system_names import ACL_KEY

ACL_KEYS: Final = {"read": "$r", "write": "$w", "delete": "$d", "metadata_read": "$mr", "metadata_write": "$mw"}
"""Keys of the stored list by the name of the argument of Acl."""

Roles = str | Iterable[str] | None
"""One role, several roles, or None for the server's default."""


@dataclass(frozen=True, slots=True)
class _Fields:
    read: tuple[str, ...] | None
    write: tuple[str, ...] | None
    delete: tuple[str, ...] | None
    metadata_read: tuple[str, ...] | None
    metadata_write: tuple[str, ...] | None


class Acl(_Fields):
    """Access control list of a stream: the roles that each operation needs.

    A role is the name of a group of users, or a login. None is the server's default. An empty tuple allows an
    operation to admins only (docs/protocol/tcp.md, section 4.10).

    Attributes:
        read: Roles that may read the stream.
        write: Roles that may write to the stream.
        delete: Roles that may delete the stream.
        metadata_read: Roles that may read the metadata of the stream, which contain this list.
        metadata_write: Roles that may write the metadata.
    """

    __slots__ = ()

    def __init__(
        self,
        read: Roles = None,
        write: Roles = None,
        delete: Roles = None,
        metadata_read: Roles = None,
        metadata_write: Roles = None,
    ) -> None:
        given = (read, write, delete, metadata_read, metadata_write)
        super().__init__(*map(_roles, ACL_KEYS, given))

    def to_json(self) -> dict[str, list[str]]:
        """Return the value of the key `$acl` in the metadata."""
        return {key: list(roles) for name, key in ACL_KEYS.items() if (roles := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, value: Any) -> Acl:
        """Read the value of the key `$acl`.

        Raises:
            InvalidArgument: A key is unknown, or a value is not a role or a list of roles. The server ignores the
                whole of such metadata.
        """
        if not isinstance(value, dict) or not value.keys() <= set(ACL_KEYS.values()):
            raise InvalidArgument(ACL_KEY, value, f"an object with the keys {', '.join(ACL_KEYS.values())}")
        for key, roles in value.items():
            if not isinstance(roles, (str, list)):
                raise InvalidArgument(key, roles, _ALLOWED)
        return cls(**{name: value[key] for name, key in ACL_KEYS.items() if key in value})


_ALLOWED: Final = "a role, or several roles"


def _roles(name: str, given: Roles) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return (given,)
    roles = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(role, str) for role in roles):
        raise InvalidArgument(name, given, _ALLOWED)
    return roles
