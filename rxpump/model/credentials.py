"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from rxpump.errors import InvalidArgument
from rxpump.model.limits import MAX_CREDENTIAL_BYTES, MAX_TOKEN_BYTES

_ALLOWED = f"text of 1 to {MAX_CREDENTIAL_BYTES} bytes in UTF-8"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its password, each of 1 to 127 bytes in UTF-8 (docs/protocol/tcp.md, section 1.1).

    The password shows in no repr and no error. It is not empty: a server takes the request that presents
    an empty one for a broken frame, and would close the connection without a word.
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
    """A bearer token (a JWT) in place of login and password, of 1 to 32767 bytes in UTF-8.

    See docs/protocol/tcp.md, section 1.1.

    Servers know it from version 20 on. To an older one (and to the embedded one) it is a broken frame, at which it
    closes the connection; a request or a connection that carries one ends with NotAuthenticated once that has
    happened a few times.
    It shows in no repr and no error; `login` is what errors say instead.
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
