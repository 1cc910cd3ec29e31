"""Accounts of the embedded server, and the authentication of users."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from rxpump.model.credentials import AnyCredentials, Credentials, Token
from rxpump.model.login_throttle import LoginThrottle, Throttled
from rxpump.model.system_names import ADMINS, EVERYONE, OPS
from rxpump.server.access.passwords import PasswordHash
from rxpump.server.access.saved_users import SavedUser, SavedUsers
from rxpump.server.store.changes import Appended
from rxpump.server.store.group_commit import Outcome

Saving = asyncio.Future[Outcome]
"""Future of the result of a change of an account."""


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
NOBODY: Final = User(frozenset())
"""User of requests without credentials to a server that refuses them. It has no role, not even that of everyone."""

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

_FULL_NAMES: Final = {"admin": "KurrentDB Administrator", "ops": "KurrentDB Operations"}

DEFAULT_ACCOUNTS: Final = (
    Account("admin", _DEFAULT_PASSWORD, (ADMINS,)),
    Account("ops", _DEFAULT_PASSWORD, (OPS,)),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """An account without its password, as administrators see it.

    Attributes:
        login: Login.
        full_name: Full name of the person.
        groups: Groups that the user belongs to.
        is_disabled: Whether the user cannot log in.
        updated_ns: Time of the last change in nanoseconds since the Unix epoch; that of the start of the
            server if it was never changed.
    """

    login: str
    full_name: str = ""
    groups: tuple[str, ...] = ()
    is_disabled: bool = False
    updated_ns: int = 0

    @classmethod
    def of(cls, user: SavedUser) -> Profile:
        """Return the profile of a stored account."""
        return cls(user.login, user.full_name, user.groups, user.is_disabled, user.updated_ns)


def with_credentials(accounts: Iterable[Account], credentials: Iterable[Credentials]) -> tuple[Account, ...]:
    """Return accounts with changed passwords, and with additional accounts.

    Args:
        accounts: Accounts to change.
        credentials: Logins and their new passwords. An existing account keeps its groups; a new one has none. If a
            login occurs twice, its last password is used.
    """
    changed = {account.login: account for account in accounts}
    for login, password in ((each.login, each.password) for each in credentials):
        changed[login] = replace(changed.get(login, Account(login, password)), password=password)
    return tuple(changed.values())


class Users:
    """The accounts of one server.

    Changes of accounts at run time are stored. A stored account replaces the account in `accounts`, unless that one
    has a password other than the default.

    Args:
        accounts: The accounts. If two have the same login, the last one is used.
        clock: Function that returns the time in seconds.
        saved: Accounts in the store of the server; None if accounts cannot be changed.

    Attributes:
        version: Number of changes, so that sessions can find out when to verify credentials again.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        clock: Callable[[], float] = time.monotonic,
        saved: SavedUsers | None = None,
    ) -> None:
        self._given = {account.login: account for account in accounts}
        self._clock = clock
        self._started_ns = time.time_ns()
        self.version: int = 0
        self._saved = saved
        self._throttle = LoginThrottle()
        self._verified: dict[
            str, tuple[PasswordHash, bytes]
        ] = {}  # by login: the digest of the last password that matched
        self._key = os.urandom(16)

    @cached_property
    def _changed(self) -> dict[str, SavedUser]:
        """Accounts that were changed, by login."""
        found = () if self._saved is None else self._saved.read()
        given = self._given
        return {
            user.login: user for user in found if user.login not in given or given[user.login].has_default_password
        }

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
        groups = self._verify(credentials)
        if groups is None:
            self._throttle.note_failure(address, credentials.login, now)
            return None
        return User(frozenset({EVERYONE, credentials.login, *groups}), credentials.login)

    def verify_password(self, credentials: Credentials, address: str) -> bool | Throttled:
        """Return whether the password of an account is right, even if the account is disabled.

        Args:
            credentials: Login of the account, and the password.
            address: Address of the client, as `throttled_address` returns it.

        Returns:
            Whether it is right. Throttled if it was not verified because too many attempts failed.
        """
        now = self._clock()
        throttled = self._throttle.check(address, credentials.login, now)
        if throttled is not None:
            return throttled
        is_right = self.has_password(credentials.login, credentials.password)
        if not is_right:
            self._throttle.note_failure(address, credentials.login, now)
        return is_right

    def _verify(self, credentials: Credentials) -> tuple[str, ...] | None:
        """Return the groups of the user; None if the credentials are wrong."""
        profile = self.find(credentials.login)
        if profile is None or profile.is_disabled or not self.has_password(credentials.login, credentials.password):
            return None
        return profile.groups

    def has_password(self, login: str, password: str) -> bool:
        """Return whether there is an account with a login and a password, enabled or not."""
        changed = self._changed.get(login)
        if changed is None:
            account = self._given.get(login)
            return account is not None and hmac.compare_digest(account.password.encode(), password.encode())
        return not changed.is_deleted and self._matches(login, changed.password, password)

    def _matches(self, login: str, wanted: PasswordHash, password: str) -> bool:
        """Return whether a password matches a hash. If it matched before, the slow hash is not computed again."""
        digest = hmac.digest(self._key, password.encode(), "sha256")
        if hmac.compare_digest(digest, self._verified.get(login, (wanted, b""))[1]):
            return self._verified[login][0] == wanted
        if not wanted.matches(password):
            return False
        self._verified[login] = (wanted, digest)
        return True

    # Management ---------------------------------------------------------------------------------

    def find(self, login: str) -> Profile | None:
        """Return the account with a login; None if there is none."""
        changed = self._changed.get(login)
        if changed is not None:
            return None if changed.is_deleted else Profile.of(changed)
        given = self._given.get(login)
        return None if given is None else self._given_profile(given)

    def _given_profile(self, given: Account) -> Profile:
        """Return an account that was never changed. A real server creates such accounts when it starts."""
        full_name = _FULL_NAMES.get(given.login, "")
        return Profile(given.login, full_name, given.groups, updated_ns=self._started_ns)

    def all(self) -> list[Profile]:
        """Return all accounts in the order of their logins, as real servers do."""
        found = map(self.find, sorted({*self._given, *self._changed}))
        return [profile for profile in found if profile is not None]

    def save(self, profile: Profile, password: str | None = None, *, is_deleted: bool = False) -> Saving:
        """Create, change or delete an account. The change takes effect at once, and is undone if it cannot be saved.

        Args:
            profile: The account.
            password: New password; None for the password that the account has.
            is_deleted: Whether the account is deleted.

        Returns:
            A future of the result, set when the change is saved.
        """
        assert self._saved is not None, "a server that manages users has a store for them"
        user = SavedUser(
            profile.login,
            profile.full_name,
            profile.groups,
            self._password(profile.login) if password is None else PasswordHash.of(password),
            is_disabled=profile.is_disabled,
            is_deleted=is_deleted,
            updated_ns=time.time_ns(),
        )
        before = self._changed.get(profile.login)
        self._set(profile.login, user)

        def undo(saving: Saving) -> None:
            is_saved = not saving.cancelled() and saving.exception() is None and isinstance(saving.result(), Appended)
            if not is_saved and self._changed.get(profile.login) is user:
                self._set(profile.login, before)

        saving = self._saved.write(user)
        saving.add_done_callback(undo)
        return saving

    def _set(self, login: str, user: SavedUser | None) -> None:
        if user is None:
            self._changed.pop(login, None)
        else:
            self._changed[login] = user
        self.version += 1
        self._verified.pop(login, None)

    def reread(self) -> None:
        """Read the stored accounts again before the next use, because another node can have changed them."""
        self.__dict__.pop("_changed", None)
        self.version += 1

    def _password(self, login: str) -> PasswordHash:
        changed = self._changed.get(login)
        return PasswordHash.of(self._given[login].password) if changed is None else changed.password

    def __repr__(self) -> str:
        return f"<Users {', '.join(self._given)}>"
