from __future__ import annotations

import pytest

from rxpump.model.credentials import Credentials
from rxpump.server.access.users import ANONYMOUS, DEFAULT_ACCOUNTS, Account, User, Users, with_credentials

USERS = Users([*DEFAULT_ACCOUNTS, Account("zoë", "pässword")])


@pytest.mark.parametrize(
    ("login", "password", "roles"),
    [
        ("admin", "changeit", {"$all", "admin", "$admins"}),
        ("ops", "changeit", {"$all", "ops", "$ops"}),
        ("zoë", "pässword", {"$all", "zoë"}),
    ],
)
def test_default_accounts_can_log_in(login: str, password: str, roles: set[str]) -> None:
    assert user_of(login, password).roles == roles


def user_of(login: str, password: str) -> User:
    user = USERS.authenticate(Credentials(login, password), "")
    assert isinstance(user, User)
    return user


@pytest.mark.parametrize("pair", [("admin", "wrong"), ("nobody", "changeit"), ("Admin", "changeit")])
def test_wrong_credentials_are_refused(pair: tuple[str, str]) -> None:
    assert USERS.authenticate(Credentials(*pair), "") is None


def test_other_passwords_keep_the_groups_of_an_account() -> None:
    changed = [Credentials("admin", "first"), Credentials("admin", "last"), Credentials("zoë", "pässword")]
    admin, ops, zoe = with_credentials(DEFAULT_ACCOUNTS, changed)
    assert admin == Account("admin", "last", ("$admins",))
    assert ops == DEFAULT_ACCOUNTS[1]
    assert zoe == Account("zoë", "pässword")


def test_no_repr_shows_a_password() -> None:
    assert "changeit" not in repr(DEFAULT_ACCOUNTS)
    assert "pässword" not in repr(USERS)


def test_only_members_of_admins_are_admins() -> None:
    assert user_of("admin", "changeit").is_admin
    assert not user_of("ops", "changeit").is_admin
    assert not ANONYMOUS.is_admin
