from __future__ import annotations

import pytest

from rxpump.credentials import Credentials
from rxpump.wire.commands import Command
from rxpump.wire.package import Package, decode

ID = bytes(range(16))


@pytest.mark.parametrize(
    ("payload", "text"),
    [(b"Not Authenticated", "Not Authenticated"), (b"", ""), (b" Oh.\n", "Oh."), (b"\xff\xfe", "\ufffd\ufffd")],
)
def test_a_refusal_is_read_as_text_whatever_its_bytes(payload: bytes, text: str) -> None:
    assert Package(Command.BAD_REQUEST, ID, payload).text == text


def test_it_shows_its_name_and_size_and_no_content() -> None:
    package = Package(Command.WRITE_EVENTS, ID, b"secret", Credentials("admin", "changeit"))
    assert repr(package) == f"<Package WriteEvents {ID.hex()} 6 bytes>"
    assert repr(Package(0x77, ID)) == f"<Package 0x77 {ID.hex()} 0 bytes>"


@pytest.mark.parametrize("login", ["a", "zoë", "a" * 127])
@pytest.mark.parametrize("payload", [b"", b"payload"])
def test_credentials_travel_with_it(login: str, payload: bytes) -> None:
    package = Package(Command.PING, ID, payload, Credentials(login, "pässword"))
    read = decode(package.encode()[4:])
    assert read[:3] == package[:3]
    assert read.credentials is not None
    assert (read.credentials.login, read.credentials.password) == (login, "pässword")


def test_what_no_client_of_ours_would_send_is_read_all_the_same() -> None:
    """A server answers to any login, also an empty one and one of 255 bytes."""
    frame = bytes([Command.PING, 1]) + ID + b"\x00" + b"\xff" + b"p" * 255 + b"payload"
    read = decode(frame)
    assert read.payload == b"payload"
    assert read.credentials is not None
    assert (read.credentials.login, len(read.credentials.password)) == ("", 255)
