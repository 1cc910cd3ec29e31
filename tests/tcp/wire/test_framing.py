"""Frames that arrive whole, byte by byte or with bytes of the next one, and malformed frames."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.errors import FrameTooLarge, MalformedFrame
from rxpump.model.credentials import Credentials
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package, decode

ID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff").bytes_le

VECTORS = [  # docs/protocol/tcp.md, section 8
    (
        Package(Command.IDENTIFY_CLIENT, ID, bytes.fromhex("080112027079")),
        "18000000 f5 00 33221100554477668899aabbccddeeff 0801 12027079",
    ),
    (Package(Command.CLIENT_IDENTIFIED, ID), "12000000 f6 00 33221100554477668899aabbccddeeff"),
    (
        Package(Command.PING, ID, b"hi", Credentials("admin", "changeit")),
        "23000000 03 01 33221100554477668899aabbccddeeff 05 61646d696e 08 6368616e67656974 6869",
    ),
    (Package(Command.PONG, ID, b"hi"), "14000000 04 00 33221100554477668899aabbccddeeff 6869"),
]


@pytest.mark.parametrize(("package", "hex"), VECTORS)
def test_packages_equal_the_documented_bytes(package: Package, hex: str) -> None:
    frame = bytes.fromhex(hex)
    assert package.encode() == frame
    (read,) = Framer().feed(frame)
    assert read[:3] == package[:3]
    assert (read.credentials is None) == (package.credentials is None)
    if package.credentials:
        assert isinstance(read.credentials, Credentials)
        assert (read.credentials.login, read.credentials.password) == ("admin", "changeit")


packages = st.builds(
    Package,
    st.integers(0, 255),
    st.binary(min_size=16, max_size=16),
    st.binary(max_size=200),
    st.none(),
)


@given(st.lists(packages, max_size=8), st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(0, 40))
def test_packages_are_complete_however_the_bytes_are_split(sent: list[Package], cuts: list[int], tail: int) -> None:
    stream = b"".join(package.encode() for package in sent)
    unfinished = Package(3, ID, bytes(40)).encode()[:tail]
    stream += unfinished
    framer, received, offset, turn = Framer(), [], 0, 0
    while offset < len(stream):
        step = cuts[turn % len(cuts)]
        received += framer.feed(stream[offset : offset + step])
        offset, turn = offset + step, turn + 1
    assert received == sent
    assert framer.failure is None
    assert repr(framer) == f"<Framer holding {len(unfinished)} bytes>"


def test_packages_are_parsed_byte_by_byte() -> None:
    stream = b"".join(package.encode() for package, _ in VECTORS)
    framer = Framer()
    received = [package for byte in stream for package in framer.feed(bytes([byte]))]
    assert [package.command for package in received] == [package.command for package, _ in VECTORS]


def test_a_frame_of_the_largest_size_arrives_in_pieces() -> None:
    payload = bytes(range(256)) * 4096
    frame = Package(Command.PONG, ID, payload).encode()
    framer = Framer(max_frame_bytes=len(frame) - 4)
    received = []
    for offset in range(0, len(frame), 1000):
        received += framer.feed(frame[offset : offset + 1000])
    assert received == [Package(Command.PONG, ID, payload)]


@pytest.mark.parametrize("length", [0, -1, 1, 17, -(2**31)])
def test_an_impossible_length_is_a_malformed_frame(length: int) -> None:
    framer = Framer()
    good = VECTORS[1][1].replace(" ", "")
    received = framer.feed(bytes.fromhex(good) + length.to_bytes(4, "little", signed=True) + bytes(100))
    assert len(received) == 1, "the frames before the malformed one are returned"
    assert isinstance(framer.failure, MalformedFrame)
    assert framer.feed(bytes.fromhex(good)) == []


def test_the_error_of_a_large_frame_has_its_correlation_id() -> None:
    framer = Framer(max_frame_bytes=1000)
    framer.feed(Package(Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, ID, bytes(1000)).encode())
    assert isinstance(framer.failure, FrameTooLarge)
    assert framer.failure.correlation_id == ID
    assert (framer.failure.size, framer.failure.limit) == (1018, 1000)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (bytes(17), "length is 17"),
        (b"\x03\x02" + ID, "trusted"),
        (b"\x03\x01" + ID, "login does not fit"),
        (b"\x03\x01" + ID + b"\x05abc", "login does not fit"),
        (b"\x03\x01" + ID + b"\x03abc", "password does not fit"),
        (b"\x03\x01" + ID + b"\x03abc\x05de", "password does not fit"),
    ],
)
def test_frames_that_are_not_packages_are_malformed(frame: bytes, reason: str) -> None:
    framer = Framer()
    assert framer.feed(len(frame).to_bytes(4, "little") + frame) == []
    with pytest.raises(MalformedFrame, match=reason):
        raise framer.failure or AssertionError


def test_unknown_flag_bits_are_ignored() -> None:
    assert decode(Command.PING, 0x80, ID, b"hi") == Package(Command.PING, ID, b"hi")


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_random_bytes_are_packages_or_a_failure(pieces: list[bytes]) -> None:
    framer = Framer(max_frame_bytes=1000)
    packages = [package for piece in pieces for package in framer.feed(piece)]
    assert all(len(package.correlation_id) == 16 for package in packages)
    assert framer.failure is None or isinstance(framer.failure, (FrameTooLarge, MalformedFrame))


def test_begun_is_the_correlation_id_of_a_partial_frame() -> None:
    whole = Package(Command.PONG, bytes(16)).encode()
    frame = Package(Command.PONG, ID, bytes(100)).encode()
    framer = Framer()
    for part, begun in ((whole + frame[:5], None), (frame[5:21], None), (frame[21:50], ID), (frame[50:], None)):
        framer.feed(part)
        assert framer.begun == begun
