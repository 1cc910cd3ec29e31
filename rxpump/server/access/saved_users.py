"""The accounts that were changed while the server ran, in streams of its store.

As on a real server, the stream `$users` lists the logins, and the last event of `$user-LOGIN` is the account.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any, Final

from rxpump.model.positions import ExpectedVersion, StreamDirection
from rxpump.server.access.passwords import PasswordHash
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.new_event import json_event
from rxpump.server.store.record_schema import StreamEntry, StreamPage
from rxpump.server.store.sqlite_store import SqliteStore
from rxpump.server.store.stream_window import Window

_log = logging.getLogger("rxpump.server")

_LIST: Final = "$users"
_LIST_TYPE: Final = "$User"
_PREFIX: Final = "$user-"
_CREATED_TYPE: Final = "$UserCreated"
_UPDATED_TYPE: Final = "$UserUpdated"
_PAGE: Final = 500


class SavedUser:
    """An account as it is stored.

    Attributes:
        login: Login.
        full_name: Full name of the person.
        groups: Groups that the user belongs to.
        password: Hash of the password.
        is_disabled: Whether the user cannot log in.
        is_deleted: Whether the account was deleted.
        updated_ns: Time of the change in nanoseconds since the Unix epoch.
    """

    def __init__(
        self,
        login: str,
        full_name: str,
        groups: tuple[str, ...],
        password: PasswordHash,
        *,
        is_disabled: bool = False,
        is_deleted: bool = False,
        updated_ns: int = 0,
    ) -> None:
        self.login = login
        self.full_name = full_name
        self.groups = groups
        self.password = password
        self.is_disabled = is_disabled
        self.is_deleted = is_deleted
        self.updated_ns = updated_ns

    def to_json(self) -> bytes:
        """Return the account as JSON, with the keys of a real server."""
        content = {
            "loginName": self.login,
            "fullName": self.full_name,
            "salt": self.password.salt,
            "hash": self.password.digest,
            "disabled": self.is_disabled,
            "groups": list(self.groups),
            "deleted": self.is_deleted,
            "updated": self.updated_ns,
        }
        return json.dumps(content, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> SavedUser:
        """Return the account in an event.

        Raises:
            ValueError: The event has another form.
        """
        match json.loads(data):
            case {
                "loginName": str(login),
                "fullName": str(full_name),
                "salt": str(salt),
                "hash": str(digest),
                "disabled": bool(is_disabled),
                "groups": [*groups],
                "deleted": bool(is_deleted),
                "updated": int(updated),
            } if all(isinstance(group, str) for group in groups):
                return cls(
                    login,
                    full_name,
                    tuple(groups),
                    PasswordHash(salt, digest),
                    is_disabled=is_disabled,
                    is_deleted=is_deleted,
                    updated_ns=updated,
                )
        raise ValueError("the event holds no account")

    def __repr__(self) -> str:
        return f"<SavedUser {self.login!r}>"


class SavedUsers:
    """Reads and writes the stored accounts.

    Args:
        store: The store.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def read(self) -> Iterator[SavedUser]:
        """Yield the stored accounts. An event that cannot be read is logged and left out."""
        for login in dict.fromkeys(self._logins()):
            stream = self._store.read.stream(_PREFIX + login)
            event = None if stream is None else self._store.read.event(stream, stream.last, resolve_links=False)
            if event is None:
                continue
            try:
                yield SavedUser.from_json(StreamEntry.FromString(event.entry).event.data)
            except ValueError as error:
                _log.error("the account %r cannot be read: %s", login, error)

    def write(self, user: SavedUser) -> asyncio.Future[Outcome]:
        """Write an account.

        Returns:
            A future of the result, set when the account is saved.
        """
        is_new = self._store.read.stream(_PREFIX + user.login) is None
        if is_new:
            listed = json_event(_LIST_TYPE, json.dumps(user.login).encode())
            self._store.append(AppendRequest(_LIST, ExpectedVersion.ANY, [listed]))
        event = json_event(_CREATED_TYPE if is_new else _UPDATED_TYPE, user.to_json())
        return self._store.append(AppendRequest(_PREFIX + user.login, ExpectedVersion.ANY, [event]))

    def _logins(self) -> Iterator[str]:
        stream = self._store.read.stream(_LIST)
        if stream is None or stream.is_tombstoned or stream.is_soft_deleted:
            return
        for low in range(stream.first_kept, stream.last + 1, _PAGE):
            window = Window(low, min(low + _PAGE - 1, stream.last))
            page = self._store.read.stream_page(stream, window, StreamDirection.FORWARD, resolve_links=False)
            for entry in StreamPage.FromString(page.events).events:
                login = _login(entry.event.data)
                if login is not None:
                    yield login

    def __repr__(self) -> str:
        return f"<SavedUsers of {self._store!r}>"


def _login(data: bytes) -> str | None:
    try:
        found: Any = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, str) else None
