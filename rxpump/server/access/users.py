"""Who may log in, and who is who."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from rxpump.model.credentials import AnyCredentials, Credentials, Token
from rxpump.server.access.login_throttle import LoginThrottle, Throttled

EVERYONE: Final = "$all"
ADMINS: Final = "$admins"
OPS: Final = "$ops"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody, by the roles that they have: everyone's, their own login, and their groups."""

    roles: frozenset[str] = frozenset({EVERYONE})
    login: str = field(default="", compare=False)

    @property
    def is_admin(self) -> bool:
        """Whether this user may do what nobody is forbidden."""
        return ADMINS in self.roles


ANONYMOUS: Final = User()


@dataclass(frozen=True, slots=True)
class Account:
    """A login, its password, and the groups that it is in."""

    login: str
    password: str = field(repr=False)
    groups: tuple[str, ...] = ()

    @property
    def has_default_password(self) -> bool:
        """Whether everybody who has read the documentation knows the password."""
        return self.password == _DEFAULT_PASSWORD


_DEFAULT_PASSWORD: Final = "changeit"

DEFAULT_ACCOUNTS: Final = (
    Account("admin", _DEFAULT_PASSWORD, (ADMINS,)),
    Account("ops", _DEFAULT_PASSWORD, (OPS,)),
)


def with_credentials(accounts: Iterable[Account], credentials: Iterable[Credentials]) -> tuple[Account, ...]:
    """Return accounts with other passwords, and with further accounts.

    Args:
        accounts: The accounts to begin with.
        credentials: Logins and their passwords. A login that has an account keeps its groups; another one gets an
            account without groups. The last password of a login counts.
    """
    changed = {account.login: account for account in accounts}
    for login, password in ((each.login, each.password) for each in credentials):
        changed[login] = replace(changed.get(login, Account(login, password)), password=password)
    return tuple(changed.values())


class Users:
    """The accounts of one server.

    Args:
        accounts: The accounts; of two with the same login the last counts.
        clock: Returns the time in seconds, for the throttle of failed logins.
    """

    def __init__(self, accounts: Iterable[Account], clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = {account.login: account for account in accounts}
        self._clock = clock
        self._throttle = LoginThrottle()

    def authenticate(self, credentials: AnyCredentials, address: str) -> User | Throttled | None:
        """Return whose credentials they are.

        Args:
            credentials: What a client presents.
            address: Where it comes from, see `throttled_address`.

        Returns:
            The user; None for wrong credentials, and for every token; Throttled if the credentials were not looked
            at, because there were too many wrong ones.
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
