"""Packages, which are the contents of frames (docs/protocol/tcp.md, section 1.1).

command (1)  flags (1)  correlation id (16)  [login length (1)  login  password length (1)  password]  payload

A token can take the place of login and password: its negative length (2), then the token. Tokens are encoded but not
decoded, because the embedded server behaves like version 4, which reads the two bytes as the length of a login.
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
        if self.credentials is None:
            length = HEADER_BYTES + len(self.payload)
            return b"%b%c\x00%b%b" % (length.to_bytes(4, "little"), self.command, self.correlation_id, self.payload)
        head = bytes((self.command, AUTHENTICATED))
        body = head + self.correlation_id + _identification(self.credentials) + self.payload
        return len(body).to_bytes(4, "little") + body

    def __repr__(self) -> str:
        return f"<Package {command_name(self.command)} {self.correlation_id.hex()} {len(self.payload)} bytes>"


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


def decode(data: bytes, start: int, end: int) -> Package:
    """Decode a frame.

    Args:
        data: Bytes that contain the frame.
        start: Index of its first byte after the length prefix.
        end: Index after its last byte.

    Raises:
        MalformedFrame: The frame is too short, or its credentials do not fit into it.
    """
    payload = start + HEADER_BYTES
    if end < payload:
        raise MalformedFrame(f"it has {end - start} bytes, but a package has at least {HEADER_BYTES}")
    flags = data[start + 1]
    if flags & TRUSTED:
        raise MalformedFrame("only nodes may set the flag for trusted writes")
    if not flags & AUTHENTICATED:
        return Package(data[start], data[start + 2 : payload], data[payload:end])
    frame = data[start:end]
    login, offset = _counted_text(frame, HEADER_BYTES, "login")
    password, offset = _counted_text(frame, offset, "password")
    return Package(frame[0], frame[2:18], frame[offset:], _Unchecked(login, password))


def _counted_text(frame: bytes, offset: int, what: str) -> tuple[str, int]:
    """Return a text that follows its length, and the offset after it.

    Bytes that are not UTF-8 become U+FFFD, as on a real server.
    """
    start = offset + 1
    if start > len(frame) or start + frame[offset] > len(frame):
        raise MalformedFrame(f"the {what} does not fit its frame")
    end = start + frame[offset]
    return frame[start:end].decode(errors="replace"), end


class _Unchecked(Credentials):
    """Credentials that were received. They are not checked, because a server must answer any credentials."""

    __slots__ = ()

    def __post_init__(self) -> None:
        pass
