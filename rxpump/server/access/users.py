"""Accounts of the embedded server, and the authentication of users."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from rxpump.model.credentials import AnyCredentials, Credentials, Token
from rxpump.model.system_names import ADMINS, EVERYONE, OPS
from rxpump.server.access.login_throttle import LoginThrottle, Throttled


@dataclass(frozen=True, slots=True)
class User:
    """A user as a set of roles.

    Attributes:
        roles: Roles: that of everyone, the login itself, and the groups of the account.
        login: Login; empty for an anonymous user.
    """

    roles: frozenset[str] = frozenset({EVERYONE})
    login: str = field(default="", compare=False)

    @property
    def is_admin(self) -> bool:
        """Whether the user is an admin."""
        return ADMINS in self.roles


ANONYMOUS: Final = User()
UNRESTRICTED: Final = User(frozenset({EVERYONE, ADMINS}))
"""User of every request to an insecure server."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a user.

    Attributes:
        login: Login.
        password: Password.
        groups: Groups that the user belongs to.
    """

    login: str
    password: str = field(repr=False)
    groups: tuple[str, ...] = ()

    @property
    def has_default_password(self) -> bool:
        """Whether the password is the documented default."""
        return self.password == _DEFAULT_PASSWORD


_DEFAULT_PASSWORD: Final = "changeit"

DEFAULT_ACCOUNTS: Final = (
    Account("admin", _DEFAULT_PASSWORD, (ADMINS,)),
    Account("ops", _DEFAULT_PASSWORD, (OPS,)),
)


def with_credentials(accounts: Iterable[Account], credentials: Iterable[Credentials]) -> tuple[Account, ...]:
    """Return accounts with changed passwords, and with additional accounts.

    Args:
        accounts: Accounts to change.
        credentials: Logins and their new passwords. An existing account keeps its groups; a new one has none. If a
            login occurs twice, its last password counts.
    """
    changed = {account.login: account for account in accounts}
    for login, password in ((each.login, each.password) for each in credentials):
        changed[login] = replace(changed.get(login, Account(login, password)), password=password)
    return tuple(changed.values())


class Users:
    """The accounts of one server.

    Args:
        accounts: The accounts. If two have the same login, the last one counts.
        clock: Function that returns the time in seconds.
    """

    def __init__(self, accounts: Iterable[Account], clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = {account.login: account for account in accounts}
        self._clock = clock
        self._throttle = LoginThrottle()

    def authenticate(self, credentials: AnyCredentials, address: str) -> User | Throttled | None:
        """Return the user with these credentials.

        Args:
            credentials: Credentials of a request or a connection.
            address: Address of the client, as `throttled_address` returns it.

        Returns:
            The user. None if the credentials are wrong, or are a token. Throttled if they were not verified because
            too many attempts failed.
        """
        if isinstance(credentials, Token):
            return None
        now = self._clock()
        throttled = self._throttle.check(address, credentials.login, now)
        if throttled is not None:
            return throttled
        account = self._accounts.get(credentials.login)
        if account is None or not hmac.compare_digest(account.password.encode(), credentials.password.encode()):
            self._throttle.note_failure(address, credentials.login, now)
            return None
        return User(frozenset({EVERYONE, account.login, *account.groups}), account.login)

    def __repr__(self) -> str:
        return f"<Users {', '.join(self._accounts)}>"
