"""Credentials of the user in whose name requests are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from rxpump.errors import InvalidArgument
from rxpump.model.limits import MAX_CREDENTIAL_BYTES, MAX_TOKEN_BYTES

_ALLOWED = f"text of 1 to {MAX_CREDENTIAL_BYTES} bytes in UTF-8"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its password (docs/protocol/tcp.md, section 1.1).

    The password does not appear in a repr or an error.

    Attributes:
        login: Login, of 1 to 127 bytes in UTF-8.
        password: Password, of 1 to 127 bytes in UTF-8. It must not be empty, because a server treats a request with
            an empty password as a malformed frame and closes the connection.

    Raises:
        InvalidArgument: The login or the password is too long, or empty.
    """

    login: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _fits(self.login, MAX_CREDENTIAL_BYTES):
            raise InvalidArgument("username", self.login, _ALLOWED)
        if not _fits(self.password, MAX_CREDENTIAL_BYTES):
            raise InvalidArgument("password", "(not shown)", _ALLOWED)


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token (JWT) in place of a login and a password (docs/protocol/tcp.md, section 1.1).

    Servers from version 20 accept tokens. For an older server, and for the embedded one, a request with a token is a
    malformed frame, and it closes the connection. The request then fails with NotAuthenticated.

    The token does not appear in a repr or an error.

    Attributes:
        login: Text that errors contain in place of a login.
        text: The token, of 1 to 32,767 bytes in UTF-8.

    Raises:
        InvalidArgument: The token is too long, or empty.
    """

    login: ClassVar[str] = "(token)"

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _fits(self.text, MAX_TOKEN_BYTES):
            raise InvalidArgument("token", "(not shown)", f"text of 1 to {MAX_TOKEN_BYTES} bytes in UTF-8")


AnyCredentials = Credentials | Token


def _fits(value: object, limit: int) -> bool:
    try:
        return isinstance(value, str) and 0 < len(value.encode()) <= limit
    except UnicodeEncodeError:
        return False
