"""Packages, which are the contents of frames (docs/protocol/tcp.md, section 1.1).

command (1)  flags (1)  correlation id (16)  [login length (1)  login  password length (1)  password]  payload

A token can take the place of login and password: its negative length (2), then the token. Tokens are encoded but not
decoded, because the embedded server behaves like version 4, which reads the two bytes as the length of a login.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

from rxpump.errors import MalformedFrame
from rxpump.model.credentials import AnyCredentials, Credentials, Token
from rxpump.tcp.wire.commands import command_name

HEADER_BYTES = 18
PREFIX_AND_HEADER = Struct("<iBB16s")
"""Length of the package, command, flags and correlation id."""


AUTHENTICATED = 0x01
TRUSTED = 0x02
_DECODED_FLAGS = AUTHENTICATED | TRUSTED


class Package(NamedTuple):
    """A package.

    Attributes:
        command: Number of the command.
        correlation_id: The 16 bytes that connect a reply with its request.
        payload: Encoded message.
        credentials: Credentials of the request, or None.
    """

    command: int
    correlation_id: bytes
    payload: bytes = b""
    credentials: AnyCredentials | None = None

    @property
    def text(self) -> str:
        """Payload of a refusal, which is a text of the server."""
        return self.payload.decode(errors="replace").strip()

    def encode(self) -> bytes:
        """Return the package as a frame, with its length prefix."""
        return encode(*self)

    def __repr__(self) -> str:
        return f"<Package {command_name(self.command)} {self.correlation_id.hex()} {len(self.payload)} bytes>"


def encode(
    command: int, correlation_id: bytes, payload: bytes = b"", credentials: AnyCredentials | None = None
) -> bytes:
    """Return a package as a frame, with its length prefix; arguments as in `Package`."""
    if credentials is None:
        return PREFIX_AND_HEADER.pack(HEADER_BYTES + len(payload), command, 0, correlation_id) + payload
    body = _identification(credentials) + payload
    return PREFIX_AND_HEADER.pack(HEADER_BYTES + len(body), command, AUTHENTICATED, correlation_id) + body


def _identification(who: AnyCredentials) -> bytes:
    """Return encoded credentials. The negative length of a token distinguishes it from a login."""
    if isinstance(who, Token):
        token = who.text.encode()
        return (-len(token)).to_bytes(2, "little", signed=True) + token
    login, password = who.login.encode(), who.password.encode()
    return b"%c%b%c%b" % (len(login), login, len(password), password)


def shared_frames(command: int, payloads: Iterable[bytes]) -> list[bytes]:
    """Return the parts that frames with different correlation ids share.

    `correlation_id.join(parts)` is one frame for each payload. A message to many subscriptions is therefore encoded
    once.
    """
    parts = [b""]
    for payload in payloads:
        parts[-1] += (HEADER_BYTES + len(payload)).to_bytes(4, "little") + bytes((command, 0))
        parts.append(payload)
    return parts


def decode(command: int, flags: int, correlation_id: bytes, body: bytes) -> Package:
    """Return the package of a frame.

    Args:
        command: Number of the command.
        flags: Flags of the frame. Unknown ones are ignored.
        correlation_id: The 16 bytes of the correlation id.
        body: The bytes after the correlation id.

    Raises:
        MalformedFrame: The credentials do not fit into the frame, or a flag is not allowed.
    """
    if not flags & _DECODED_FLAGS:
        return Package(command, correlation_id, body)
    if flags & TRUSTED:
        raise MalformedFrame("only nodes may set the flag for trusted writes")
    login, offset = _counted_text(body, 0, "login")
    password, offset = _counted_text(body, offset, "password")
    return Package(command, correlation_id, body[offset:], _Unchecked(login, password))


def _counted_text(body: bytes, offset: int, what: str) -> tuple[str, int]:
    """Return a text that follows its length, and the offset after it.

    Bytes that are not UTF-8 become U+FFFD, as on a real server.
    """
    start = offset + 1
    if start > len(body) or start + body[offset] > len(body):
        raise MalformedFrame(f"the {what} does not fit its frame")
    end = start + body[offset]
    return body[start:end].decode(errors="replace"), end


class _Unchecked(Credentials):
    """Credentials that were received. They are not checked, because a server must answer any credentials."""

    __slots__ = ()

    def __post_init__(self) -> None:
        pass
