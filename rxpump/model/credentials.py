"""Credentials of users, which are sent with requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from rxpump.errors import InvalidArgument
from rxpump.model.limits import Limits


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its password.

    The password does not appear in a repr or an error.

    Attributes:
        login: Login, which must not be empty.
        password: Password, which must not be empty, because a server treats a TCP request with an empty password as a
            malformed frame and closes the connection (docs/protocol/tcp.md, section 1.1).

    Raises:
        InvalidArgument: The login or the password is empty, or UTF-8 cannot encode it. The length is checked when the
            credentials are used, because each protocol has a limit of its own.
    """

    login: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        _check("username", self.login, None)
        _check("password", self.password, None)


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token (JWT) instead of a login and a password (docs/protocol/tcp.md, section 1.1).

    Servers from version 20 accept tokens. For an older server, and for the embedded one, a request with a token is a
    malformed frame, and it closes the connection. The request then fails with NotAuthenticated.

    The token does not appear in a repr or an error.

    Attributes:
        login: Text that errors contain instead of a login.
        text: The token, which must not be empty.

    Raises:
        InvalidArgument: The token is empty, or UTF-8 cannot encode it.
    """

    login: ClassVar[str] = "(token)"

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        _check("token", self.text, None)


AnyCredentials = Credentials | Token


def login_of(credentials: AnyCredentials | None) -> str | None:
    """Return the login of a user; None for a token, which has none, and without credentials."""
    return credentials.login if isinstance(credentials, Credentials) else None


_Either = TypeVar("_Either", bound=AnyCredentials)


def within(credentials: _Either, limits: Limits) -> _Either:
    """Return credentials. Check that they are within the limits of a protocol.

    Raises:
        InvalidArgument: The login, the password or the token is too long.
    """
    if isinstance(credentials, Token):
        _check("token", credentials.text, limits.token_bytes)
    else:
        _check("username", credentials.login, limits.login_bytes)
        _check("password", credentials.password, limits.login_bytes)
    return credentials


def _check(name: str, value: object, most: int | None) -> None:
    """Raise InvalidArgument if a value is no text, is empty, or has more than `most` bytes."""
    size = _utf8_bytes(value)
    if not size or (most is not None and size > most):
        allowed = "text that is not empty" if most is None else f"text of 1 to {most} bytes in UTF-8"
        raise InvalidArgument(name, value if name == "username" else "(not shown)", allowed)


def _utf8_bytes(value: object) -> int:
    """Return the size of a text in UTF-8; 0 for a value that is no text, or that UTF-8 cannot encode."""
    try:
        return len(value.encode()) if isinstance(value, str) else 0
    except UnicodeEncodeError:
        return 0
