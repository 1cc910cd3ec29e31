from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.credentials import Credentials, Token


def test_no_text_shows_the_password() -> None:
    assert repr(Credentials("admin", "changeit")) == "Credentials(login='admin')"


def test_a_login_and_a_password_have_at_most_127_bytes() -> None:
    assert Credentials("a" * 127, "ü" * 63).login == "a" * 127


@pytest.mark.parametrize("login", ["", "a" * 128, "ü" * 64, "\ud800", None])
def test_a_login_that_no_server_accepts_is_refused(login: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Credentials(login, "changeit")
    assert (caught.value.argument, caught.value.value) == ("username", login)


@pytest.mark.parametrize("password", ["", "secret" * 22, "\ud800secret", None])
def test_a_refused_password_is_not_shown(password: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^password is '\(not shown\)'") as caught:
        Credentials("admin", password)
    assert "secret" not in repr(caught.value)


def test_no_text_shows_the_token() -> None:
    assert repr(Token("secret")) == "Token()"
    assert Token("secret").login == "(token)"


@pytest.mark.parametrize("token", ["", "secret" * 6000, "\ud800secret", None])
def test_a_refused_token_is_not_shown(token: Any) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^token is '\(not shown\)'; allowed is text of 1 to 32767 bytes"
    ) as caught:
        Token(token)
    assert "secret" not in repr(caught.value)
