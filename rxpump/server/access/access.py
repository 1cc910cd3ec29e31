"""Permissions of users on streams (docs/protocol/tcp.md, section 4.10).

The roles that a permission needs come from the access control list of the stream. If it has none, they come from the
settings of the server, and otherwise from the defaults: everyone for ordinary streams, admins for system streams,
whose names begin with `$`. The permissions on `$$x` are the metadata permissions on `x`.

An admin needs no role. Only these operations are also denied to admins:

    write to or delete `$all`, except on an insecure server, where it is a stream like any other
    delete a stream of metadata
    read or write `$$$$x`, because a stream of metadata has no metadata
    write to `$$`, because such a write makes a real server terminate
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from rxpump.errors import InvalidArgument
from rxpump.model.acl import ACL_KEYS
from rxpump.model.metadata import SystemSettings
from rxpump.model.system_names import ADMINS, ALL_STREAM, EVERYONE, METADATA_PREFIX, SYSTEM_PREFIX
from rxpump.server.access.users import UNRESTRICTED, User
from rxpump.server.store.metadata import AccessList, access_list, metadata
from rxpump.server.store.sqlite_store import SqliteStore

_MOST_KNOWN: Final = 10_000
"""Largest number of cached pairs of a stream and a permission."""

_LONGEST_KNOWN: Final = 1_000
"""Number of characters of the longest stream name that is cached."""


class Permission(Enum):
    """A permission on a stream. The values are the keys of an access control list."""

    READ = ACL_KEYS["read"]
    WRITE = ACL_KEYS["write"]
    DELETE = ACL_KEYS["delete"]
    READ_METADATA = ACL_KEYS["metadata_read"]
    WRITE_METADATA = ACL_KEYS["metadata_write"]


class Access:
    """Decides whether users have permissions.

    A new access control list applies as soon as its write is acknowledged. The lists are cached until one changes.

    Args:
        store: Store that contains the lists.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._changes = 0
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    def may(self, user: User, permission: Permission, stream: str) -> bool:
        """Return whether a user has a permission on a stream, which need not exist."""
        if stream == ALL_STREAM and permission in (Permission.WRITE, Permission.DELETE):
            return user is UNRESTRICTED
        if stream.startswith(METADATA_PREFIX):
            stream = stream.removeprefix(METADATA_PREFIX)
            if permission is Permission.DELETE or stream.startswith(METADATA_PREFIX):
                return False
            if permission is Permission.WRITE and not stream:
                return False
            permission = _OF_METADATA.get(permission, permission)
        return user.is_admin or not user.roles.isdisjoint(self._roles(permission.value, stream))

    def may_follow(self, user: User, link_streams: Iterable[str]) -> bool:
        """Return whether `user` may read each stream that links point to; the empty name is no stream."""
        return all(self.may(user, Permission.READ, name) for name in link_streams if name)

    def _roles(self, permission: str, stream: str) -> frozenset[str]:
        changes = self._store.commits.access_changes
        if changes != self._changes or len(self._known) >= _MOST_KNOWN:
            self._changes = changes
            self._known.clear()
        roles = self._known.get((stream, permission))
        if roles is None:
            roles = self._look_up(permission, stream)
            if len(stream) <= _LONGEST_KNOWN:
                self._known[stream, permission] = roles
        return roles

    def _look_up(self, permission: str, stream: str) -> frozenset[str]:
        summary, stored_settings = self._store.read.access_lists(stream)
        own = metadata(summary).acl
        if own is not None and permission in own:
            return own[permission]
        defaults = default_lists(stored_settings)
        if stream.startswith(SYSTEM_PREFIX):
            return defaults.system_streams.get(permission, _SYSTEM_DEFAULT)
        return defaults.user_streams.get(permission, _USER_DEFAULT)


_OF_METADATA: Final = {Permission.READ: Permission.READ_METADATA, Permission.WRITE: Permission.WRITE_METADATA}
_USER_DEFAULT: Final = frozenset({EVERYONE})
_SYSTEM_DEFAULT: Final = frozenset({ADMINS})


class DefaultLists(NamedTuple):
    """Access control lists of streams that have none of their own, from the stream `$settings`."""

    user_streams: AccessList
    system_streams: AccessList


_NO_LISTS: Final = DefaultLists({}, {})


@lru_cache(maxsize=4)
def default_lists(data: bytes | None) -> DefaultLists:
    """Return the lists in the data of an event of `$settings`. Malformed data are read as empty lists."""
    if data is None:
        return _NO_LISTS
    try:
        stored = SystemSettings.from_json(data)
    except InvalidArgument:
        return _NO_LISTS
    return DefaultLists(access_list(stored.user_stream_acl), access_list(stored.system_stream_acl))
