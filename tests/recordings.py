"""Recorded conversations of Event Store 4.1.4 and its clients: tests/data/wire, one JSON object a line.

They start from a server just started, with nothing in it but what it wrote itself. The order of lines
is that in which a proxy between the two saw the frames; answers to requests in flight together may
come in any order.

They are as they were recorded, except that the one big payload (1 MiB, whose words are counted by a
constant) is written as the parts that it is made of.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rxpump.model.credentials import Credentials
from rxpump.tcp.wire.package import TRUSTED, Package

DIRECTORY = Path(__file__).parent / "data" / "wire"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.jsonl"))


@dataclass(frozen=True)
class RecordedFrame:
    """Something that happened on connection `conn`: a package, bytes that make none, or an event.

    Of an event that is a note, `event` is its text.
    """

    conn: int
    from_client: bool
    package: Package | None = None
    raw: bytes | None = None
    event: str | None = None

    def answers_with(self, command: int) -> bool:
        return not self.from_client and self.package is not None and self.package.command == command


def load(name: str) -> list[RecordedFrame]:
    """The lines of a conversation."""
    lines = (DIRECTORY / f"{name}.jsonl").read_text().splitlines()[1:]
    return [_line(json.loads(line)) for line in lines]


def _payload(written: str | list[Any]) -> bytes:
    if isinstance(written, str):
        return base64.b64decode(written)
    before, counted, after = written
    words = (word * counted["step"] & 0xFFFFFFFF for word in range(counted["words"]))
    return _payload(before) + struct.pack(f"<{counted['words']}I", *words) + _payload(after)


def _line(fields: dict[str, Any]) -> RecordedFrame:
    conn, from_client = fields.get("conn", 1), fields.get("dir") == "c2s"
    if "event" in fields:
        return RecordedFrame(conn, from_client, event=fields.get("text", fields["event"]))
    if "raw" in fields:
        return RecordedFrame(conn, from_client, raw=base64.b64decode(fields["raw"]))
    command, correlation_id = int(fields["cmd"], 16), bytes.fromhex(fields["corr"])
    payload = _payload(fields["payload"])
    if fields["flags"] & TRUSTED:  # what no package of ours ever is
        frame = bytes([command, fields["flags"]]) + correlation_id + payload
        return RecordedFrame(conn, from_client, raw=len(frame).to_bytes(4, "little") + frame)
    credentials = Credentials(*fields["auth"]) if fields["auth"] else None
    return RecordedFrame(conn, from_client, package=Package(command, correlation_id, payload, credentials))
