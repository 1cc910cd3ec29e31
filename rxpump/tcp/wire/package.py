"""One package: what a frame holds (docs/protocol/tcp.md, section 1.1).

command (1)  flags (1)  correlation id (16)  [login length (1)  login  password length (1)  password]  payload

In place of login and password there may be a token: minus its length (2), the token. It is written, and never
read: a server of version 4, as the embedded one is, knows no tokens, and takes the two bytes for a login's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rxpump.errors import MalformedFrame
from rxpump.model.credentials import AnyCredentials, Credentials, Token
from rxpump.tcp.wire.commands import command_name

HEADER_BYTES = 18
AUTHENTICATED = 0x01
TRUSTED = 0x02


class Package(NamedTuple):
    """A command, whose it is, and its payload. `correlation_id` is kept as the 16 bytes on the wire."""

    command: int
    correlation_id: bytes
    payload: bytes = b""
    credentials: AnyCredentials | None = None

    @property
    def text(self) -> str:
        """The payload of a refusal, which is the server's words, whatever its bytes."""
        return self.payload.decode(errors="replace").strip()

    def encode(self) -> bytes:
        """Write the package as one frame, length prefix included."""
        if self.credentials is None:
            length = HEADER_BYTES + len(self.payload)
            return b"%b%c\x00%b%b" % (length.to_bytes(4, "little"), self.command, self.correlation_id, self.payload)
        head = bytes((self.command, AUTHENTICATED))
        body = head + self.correlation_id + _identification(self.credentials) + self.payload
        return len(body).to_bytes(4, "little") + body

    def __repr__(self) -> str:
        return f"<Package {command_name(self.command)} {self.correlation_id.hex()} {len(self.payload)} bytes>"


def _identification(who: AnyCredentials) -> bytes:
    """Write who asks; a token's length is negative, by which servers that know tokens tell it from a login's."""
    if isinstance(who, Token):
        token = who.text.encode()
        return (-len(token)).to_bytes(2, "little", signed=True) + token
    login, password = who.login.encode(), who.password.encode()
    return b"%c%b%c%b" % (len(login), login, len(password), password)


def shared_frames(command: int, payloads: Iterable[bytes]) -> list[bytes]:
    """Make frames that many correlation ids can share: `correlation_id.join(parts)` is one for each payload.

    The id is all that differs in them, so whatever is sent to many is put together once.
    """
    parts = [b""]
    for payload in payloads:
        parts[-1] += (HEADER_BYTES + len(payload)).to_bytes(4, "little") + bytes((command, 0))
        parts.append(payload)
    return parts


def decode(frame: bytes) -> Package:
    """Read a frame without its length prefix. Raises MalformedFrame."""
    if len(frame) < HEADER_BYTES:
        raise MalformedFrame(f"{len(frame)} bytes, a package has at least {HEADER_BYTES}")
    flags = frame[1]
    if flags & TRUSTED:
        raise MalformedFrame("the trusted-write flag is for nodes among themselves")
    if not flags & AUTHENTICATED:
        return Package(frame[0], frame[2:18], frame[18:])
    login, offset = _counted_text(frame, HEADER_BYTES, "login")
    password, offset = _counted_text(frame, offset, "password")
    return Package(frame[0], frame[2:18], frame[offset:], _Unchecked(login, password))


def _counted_text(frame: bytes, offset: int, what: str) -> tuple[str, int]:
    """Read a text behind its length; bytes that are not UTF-8 become U+FFFD, as on a real server."""
    start = offset + 1
    if start > len(frame) or start + frame[offset] > len(frame):
        raise MalformedFrame(f"the {what} does not fit its frame")
    end = start + frame[offset]
    return frame[start:end].decode(errors="replace"), end


class _Unchecked(Credentials):
    """Credentials as they came: a server answers to any, also to those no client of ours would send."""

    __slots__ = ()

    def __post_init__(self) -> None:
        pass
