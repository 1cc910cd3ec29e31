from __future__ import annotations

import json

import pytest

from rxpump.tcp.wire.commands import Command, command_name
from tests.recordings import DIRECTORY, NAMES


def test_names_equal_those_of_the_recordings() -> None:
    """The recordings contain a name for the command of each frame."""
    frames = [json.loads(line) for name in NAMES for line in (DIRECTORY / f"{name}.jsonl").read_text().splitlines()]
    recorded = {int(frame["cmd"], 16): frame["name"] for frame in frames if "cmd" in frame}
    assert len(recorded) > 20
    for code, name in recorded.items():
        expected = f"0x{code:02X}" if name == "Unknown" else name.removesuffix("Command")
        assert command_name(code) == expected


@pytest.mark.parametrize(
    ("code", "name"),
    [(0x82, "WriteEvents"), (0xB3, "ReadStreamEventsForwardCompleted"), (0xBD, "0xBD"), (0x00, "0x00")],
)
def test_a_code_without_a_name_is_shown_in_hexadecimal(code: int, name: str) -> None:
    assert command_name(code) == name


def test_every_command_fits_its_byte() -> None:
    assert all(0 < command < 256 for command in Command)
