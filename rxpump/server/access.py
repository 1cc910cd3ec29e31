"""Who may do what to which stream (protocol section 4.10).

A name that starts with `$` is a system stream's; `$$x` is the metadata of `x`, and follows it. The
roles that a permission needs are the built-in defaults, everyone for users' streams and $admins for
system streams; lists of a stream's own have their place in `_roles`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from rxpump.server.users import ADMINS, EVERYONE, User

ALL_STREAM: Final = "$all"
METADATA_PREFIX: Final = "$$"


class Permission(Enum):
    """What one may be allowed; the values are the keys of an access control list."""

    READ = "$r"
    WRITE = "$w"
    READ_METADATA = "$mr"
    WRITE_METADATA = "$mw"


_OF_METADATA: Final = {Permission.READ: Permission.READ_METADATA, Permission.WRITE: Permission.WRITE_METADATA}


def may(user: User, permission: Permission, stream: str) -> bool:
    """Tell whether `user` has `permission` on `stream`."""
    if stream.startswith(METADATA_PREFIX):
        permission = _OF_METADATA.get(permission, permission)
        stream = stream.removeprefix(METADATA_PREFIX)
    if stream == ALL_STREAM and permission is Permission.WRITE:
        return False  # it is no stream that could be written to, not even by an admin
    return user.is_admin or bool(user.roles & _roles(permission, stream))


def _roles(permission: Permission, stream: str) -> frozenset[str]:
    return _SYSTEM_DEFAULT if stream.startswith("$") else _USER_DEFAULT


_USER_DEFAULT: Final = frozenset({EVERYONE})
_SYSTEM_DEFAULT: Final = frozenset({ADMINS})
