"""Users of a mock transport and their permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rxpump.errors import AccessDenied, InvalidArgument, NotAuthenticated
from rxpump.model.acl import Acl
from rxpump.model.credentials import AnyCredentials, Credentials
from rxpump.model.system_names import ACL_KEY, ADMINS, EVERYONE, METADATA_PREFIX, OPS, SYSTEM_PREFIX
from rxpump.testing.memory_log import MemoryLog

_GROUPS: Final = {"admin": ADMINS, "ops": OPS}
_NEEDED: Final = {
    "read": "read",
    "subscribe to": "read",
    "write to": "write",
    "delete": "delete",
}
"""Field of an Acl for each operation. Only admins may do operations that are not listed."""


class MockAccess:
    """Permissions, from the access control lists of streams.

    The client that owns the connection may do everything, and so may the login "admin". The login "ops" is a member
    of `$ops`. Other logins are members of no group. The defaults in `$settings` are not used.

    Args:
        log: The log, which contains the lists.
        passwords: Password by login; None if every login and password is accepted.
    """

    def __init__(self, log: MemoryLog, passwords: Mapping[str, str] | None) -> None:
        self._log = log
        self._passwords = passwords

    def authenticate(self, user: AnyCredentials | None) -> None:
        """Check the password of a user; None is the client that owns the connection.

        Raises:
            NotAuthenticated: The password is wrong, or there is no such user.
        """
        if user is not None and self._passwords is not None:
            password = user.password if isinstance(user, Credentials) else None
            if password is None or self._passwords.get(user.login) != password:
                raise NotAuthenticated(user.login, "Not Authenticated")

    def check(self, user: AnyCredentials | None, operation: str, stream: str) -> None:
        """Check that a user may do something with a stream.

        Args:
            user: Credentials of the user; None for the client that owns the connection.
            operation: Operation as AccessDenied names it.
            stream: Name of the stream, `$all` for all events.

        Raises:
            AccessDenied: The user does not have the permission.
        """
        if user is None:
            return
        roles = {EVERYONE, user.login, _GROUPS.get(user.login, user.login)}
        if ADMINS not in roles and not roles & set(self._allowed(operation, stream)):
            raise AccessDenied(operation, stream, user.login)

    def _allowed(self, operation: str, stream: str) -> tuple[str, ...]:
        """Return the roles that may do something with a stream."""
        field, owner = _NEEDED.get(operation), stream
        if stream.startswith(METADATA_PREFIX) and field in ("read", "write"):
            field, owner = f"metadata_{field}", stream.removeprefix(METADATA_PREFIX)
        if field is None:
            return (ADMINS,)
        try:
            acl = Acl.from_json(self._log.stream(owner).metadata().get(ACL_KEY, {}))
        except InvalidArgument:
            acl = Acl()
        roles: tuple[str, ...] | None = getattr(acl, field)
        if roles is None:
            return (ADMINS,) if owner.startswith(SYSTEM_PREFIX) else (EVERYONE,)
        return roles

    def __repr__(self) -> str:
        accepted = "every login" if self._passwords is None else f"{len(self._passwords)} logins"
        return f"<MockAccess with {accepted}>"
