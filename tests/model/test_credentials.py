from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.credentials import Credentials, Token, within
from rxpump.model.limits import Limits


def test_no_text_shows_the_password() -> None:
    assert repr(Credentials("admin", "changeit")) == "Credentials(login='admin')"


LIMITS = Limits(login_bytes=127, token_bytes=32_767)


@pytest.mark.parametrize("credentials", [Credentials("a" * 127, "ü" * 63), Token("a" * 32_767)])
def test_credentials_within_the_limits_are_accepted(credentials: Any) -> None:
    assert within(credentials, LIMITS) is credentials


@pytest.mark.parametrize(
    ("credentials", "argument"),
    [
        (Credentials("a" * 128, "x"), "username"),
        (Credentials("ü" * 64, "x"), "username"),
        (Credentials("admin", "secret" * 22), "password"),
        (Token("secret" * 6000), "token"),
    ],
)
def test_credentials_above_the_limits_are_refused(credentials: Any, argument: str) -> None:
    assert within(credentials, Limits()) is credentials
    with pytest.raises(InvalidArgument, match=rf"^{argument} is .*; allowed is text of 1 to \d+ bytes") as caught:
        within(credentials, LIMITS)
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize("login", ["", "\ud800", None])
def test_a_login_that_no_server_accepts_is_refused(login: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Credentials(login, "changeit")
    assert (caught.value.argument, caught.value.value) == ("username", login)


@pytest.mark.parametrize("password", ["", "\ud800secret", None])
def test_a_refused_password_is_not_shown(password: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^password is '\(not shown\)'") as caught:
        Credentials("admin", password)
    assert "secret" not in repr(caught.value)


def test_no_text_shows_the_token() -> None:
    assert repr(Token("secret")) == "Token()"
    assert Token("secret").login == "(token)"


@pytest.mark.parametrize("token", ["", "\ud800secret", None])
def test_a_refused_token_is_not_shown(token: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^token is '\(not shown\)'; allowed is text that is not") as caught:
        Token(token)
    assert "secret" not in repr(caught.value)
