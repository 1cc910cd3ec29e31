from __future__ import annotations

import pytest

from rxpump.model.credentials import Credentials, Token
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import AUTHENTICATED, Package, decode

ID = bytes(range(16))


@pytest.mark.parametrize(
    ("payload", "text"),
    [(b"Not Authenticated", "Not Authenticated"), (b"", ""), (b" Oh.\n", "Oh."), (b"\xff\xfe", "\ufffd\ufffd")],
)
def test_any_bytes_of_a_refusal_are_read_as_text(payload: bytes, text: str) -> None:
    assert Package(Command.BAD_REQUEST, ID, payload).text == text


def test_the_repr_shows_command_and_size_but_no_content() -> None:
    package = Package(Command.WRITE_EVENTS, ID, b"secret", Credentials("admin", "changeit"))
    assert repr(package) == f"<Package WriteEvents {ID.hex()} 6 bytes>"
    assert repr(Package(0x77, ID)) == f"<Package 0x77 {ID.hex()} 0 bytes>"


@pytest.mark.parametrize("login", ["a", "zoë", "a" * 127])
@pytest.mark.parametrize("payload", [b"", b"payload"])
def test_credentials_are_encoded_in_the_package(login: str, payload: bytes) -> None:
    package = Package(Command.PING, ID, payload, Credentials(login, "pässword"))
    (read,) = Framer().feed(package.encode())
    assert read[:3] == package[:3]
    assert isinstance(read.credentials, Credentials)
    assert (read.credentials.login, read.credentials.password) == (login, "pässword")


def test_empty_and_very_long_logins_are_read() -> None:
    """A server accepts packages with any login, even an empty one and one of 255 bytes."""
    read = decode(Command.PING, AUTHENTICATED, ID, b"\x00" + b"\xff" + b"p" * 255 + b"payload")
    assert read.payload == b"payload"
    assert isinstance(read.credentials, Credentials)
    assert (read.credentials.login, len(read.credentials.password)) == ("", 255)


@pytest.mark.parametrize("length", [1, 127, 128, 2**15 - 1])
def test_a_token_is_encoded_with_a_negative_length(length: int) -> None:
    """See docs/protocol/tcp.md, section 1.1."""
    frame = Package(Command.PING, ID, b"payload", Token("t" * length)).encode()
    assert int.from_bytes(frame[:4], "little") == len(frame) - 4
    assert frame[4:22] == bytes((Command.PING, 1)) + ID
    assert int.from_bytes(frame[22:24], "little", signed=True) == -length
    assert frame[24:] == b"t" * length + b"payload"
