"""Who may do what to which stream (docs/protocol/tcp.md, section 4.10).

A name that starts with `$` is a system stream's; `$$x` is the metadata of `x`, and follows it. For each
permission the roles come from the stream's own list, or else the server's settings, or else the built-in
defaults: everyone for users' streams, $admins for system streams. An admin needs no role; but nobody
writes to `$all` or deletes it, or deletes the metadata of a stream. A stream of metadata has no metadata, so
nobody reads or writes `$$$$x`. Nobody writes to `$$`, because a write to it ends a real server.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from rxpump.model.lenient_json import parse_object
from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.access.users import ADMINS, EVERYONE, User
from rxpump.server.store.metadata import AccessList, metadata, read_access_list
from rxpump.server.store.sqlite_store import SqliteStore

ALL_STREAM: Final = "$all"

_MOST_KNOWN: Final = 10_000  # streams and permissions
_LONGEST_KNOWN: Final = 1_000  # characters of a stream's name


class Permission(Enum):
    """What one may be allowed; the values are the keys of an access control list."""

    READ = "$r"
    WRITE = "$w"
    DELETE = "$d"
    READ_METADATA = "$mr"
    WRITE_METADATA = "$mw"


class Access:
    """Decides by what the store has now: a list is heeded as soon as its writer is told that it is written.

    What it has looked up it keeps for as long as nothing changes.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._changes = 0
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    def may(self, user: User, permission: Permission, stream: str) -> bool:
        """Tell whether `user` has `permission` on `stream`, which need not exist."""
        if stream == ALL_STREAM and permission in (Permission.WRITE, Permission.DELETE):
            return False
        if stream.startswith(METADATA_PREFIX):
            stream = stream.removeprefix(METADATA_PREFIX)
            if permission is Permission.DELETE or stream.startswith(METADATA_PREFIX):
                return False
            if permission is Permission.WRITE and not stream:
                return False
            permission = _OF_METADATA.get(permission, permission)
        return user.is_admin or not user.roles.isdisjoint(self._roles(permission.value, stream))

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
        defaults = settings(stored_settings)
        if stream.startswith("$"):
            return defaults.system_streams.get(permission, _SYSTEM_DEFAULT)
        return defaults.user_streams.get(permission, _USER_DEFAULT)


_OF_METADATA: Final = {Permission.READ: Permission.READ_METADATA, Permission.WRITE: Permission.WRITE_METADATA}
_USER_DEFAULT: Final = frozenset({EVERYONE})
_SYSTEM_DEFAULT: Final = frozenset({ADMINS})


class Settings(NamedTuple):
    """What the stream $settings says: the lists of those streams that have none."""

    user_streams: AccessList
    system_streams: AccessList


_NO_SETTINGS: Final = Settings({}, {})


@lru_cache(maxsize=4)
def settings(data: bytes | None) -> Settings:
    """Read the data of an event of $settings; what is not as it should be counts as none."""
    if data is None:
        return _NO_SETTINGS
    try:
        whole = parse_object(data).value
        return Settings(
            read_access_list(whole.get("$userStreamAcl", {})), read_access_list(whole.get("$systemStreamAcl", {}))
        )
    except ValueError:
        return _NO_SETTINGS
