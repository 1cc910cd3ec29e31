"""Who may log in, and who is who."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rxpump.credentials import AnyCredentials, Token

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


DEFAULT_ACCOUNTS: Final = (Account("admin", "changeit", (ADMINS,)), Account("ops", "changeit", (OPS,)))


class Users:
    """The accounts of one server."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = {account.login: account for account in accounts}

    def authenticate(self, credentials: AnyCredentials) -> User | None:
        """Tell whose credentials they are; None if nobody's, as every token is."""
        if isinstance(credentials, Token):
            return None
        account = self._accounts.get(credentials.login)
        if account is None or not hmac.compare_digest(account.password.encode(), credentials.password.encode()):
            return None
        return User(frozenset({EVERYONE, account.login, *account.groups}), account.login)

    def __repr__(self) -> str:
        return f"<Users {', '.join(self._accounts)}>"
