"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field

from rxpump.errors import InvalidArgument
from rxpump.limits import MAX_CREDENTIAL_BYTES

_ALLOWED = f"text of 1 to {MAX_CREDENTIAL_BYTES} bytes in UTF-8"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its password, each of 1 to 127 bytes in UTF-8 (protocol section 1.1).

    The password shows in no repr and no error. It is not empty: a server takes the request that presents
    an empty one for a broken frame, and would close the connection without a word.
    """

    login: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _fits(self.login):
            raise InvalidArgument("username", self.login, _ALLOWED)
        if not _fits(self.password):
            raise InvalidArgument("password", "(not shown)", _ALLOWED)


def _fits(value: object) -> bool:
    try:
        return isinstance(value, str) and 0 < len(value.encode()) <= MAX_CREDENTIAL_BYTES
    except UnicodeEncodeError:
        return False
