"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field

from rxpump.errors import InvalidArgument
from rxpump.limits import MAX_CREDENTIAL_BYTES


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its password, each at most 127 bytes of UTF-8. The password never shows in a repr."""

    login: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, value in (("username", self.login), ("password", self.password)):
            if len(value.encode()) > MAX_CREDENTIAL_BYTES:
                shown = value if name == "username" else "too long"
                raise InvalidArgument(name, shown, f"at most {MAX_CREDENTIAL_BYTES} bytes of UTF-8")
        if not self.login:
            raise InvalidArgument("username", self.login, "a non-empty name")
