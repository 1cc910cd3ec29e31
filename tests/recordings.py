"""Recorded conversations of Event Store 4.1.4 and its clients: tests/data/wire, one JSON object a line.

The server was started for each recording, and contained only the events that it writes itself. The lines are in the
order in which a proxy between client and server received the frames. Replies to requests that were in flight
together can come in another order.

One payload of 1 MiB, a sequence of numbers with a constant step, is stored as a description of the sequence. All
other payloads are stored as recorded.
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
    """A line of a recording: a package, or bytes that are no valid package, or an event.

    Attributes:
        conn: Number of the connection.
        from_client: Whether the client sent it.
        package: The package.
        raw: The bytes.
        event: The kind of the event, for example `close`. For a note, its text.
    """

    conn: int
    from_client: bool
    package: Package | None = None
    raw: bytes | None = None
    event: str | None = None

    def answers_with(self, command: int) -> bool:
        return not self.from_client and self.package is not None and self.package.command == command


def load(name: str) -> list[RecordedFrame]:
    """Return the lines of a recording."""
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
    if fields["flags"] & TRUSTED:  # rxpump does not encode such packages
        frame = bytes([command, fields["flags"]]) + correlation_id + payload
        return RecordedFrame(conn, from_client, raw=len(frame).to_bytes(4, "little") + frame)
    credentials = Credentials(*fields["auth"]) if fields["auth"] else None
    return RecordedFrame(conn, from_client, package=Package(command, correlation_id, payload, credentials))
