"""Recorded conversations of real servers over gRPC: tests/data/wire/grpc, one JSON object a line.

Each folder is a server. Some files are compressed. A line is a frame, bytes that are no frames, or an event. The
frames of one direction of a connection are in the order of the wire. A frame keeps the fields of its JSON, and can be
turned into its bytes again.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rxpump.grpc.http2 import ErrorCode
from tests.grpc.http2.raw_peer import PADDED, PREFACE, PRIORITY_FLAG, frame

DIRECTORY = Path(__file__).parents[1] / "data" / "wire" / "grpc"
NAMES = sorted(str(path.relative_to(DIRECTORY)).partition(".jsonl")[0] for path in DIRECTORY.glob("*/*.jsonl*"))

KINDS = {
    "DATA": 0,
    "HEADERS": 1,
    "PRIORITY": 2,
    "RST_STREAM": 3,
    "SETTINGS": 4,
    "PUSH_PROMISE": 5,
    "PING": 6,
    "GOAWAY": 7,
    "WINDOW_UPDATE": 8,
    "CONTINUATION": 9,
}
FLAGS = {"END_STREAM": 0x1, "ACK": 0x1, "END_HEADERS": 0x4, "PADDED": PADDED, "PRIORITY": PRIORITY_FLAG}
SETTINGS = {
    "HEADER_TABLE_SIZE": 1,
    "ENABLE_PUSH": 2,
    "MAX_CONCURRENT_STREAMS": 3,
    "INITIAL_WINDOW_SIZE": 4,
    "MAX_FRAME_SIZE": 5,
    "MAX_HEADER_LIST_SIZE": 6,
    "ENABLE_CONNECT_PROTOCOL": 8,
    "GRPC_ALLOW_TRUE_BINARY_METADATA": 0xFE03,
}


@dataclass(frozen=True)
class Line:
    """A line of a recording: a frame or an event on connection `conn`, or a note (`conn` is 0)."""

    conn: int
    from_client: bool
    kind: str
    stream: int = 0
    flags: frozenset[str] = frozenset()
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> tuple[tuple[str, str], ...] | None:
        """The headers of the block that this frame completes."""
        found = self.fields.get("headers")
        return None if found is None else tuple((name, value) for name, value in found)

    @property
    def messages(self) -> list[bytes]:
        """The gRPC messages that this frame completes, decompressed."""
        return [_bytes(each, "plain" if each.keys() & {"plain", "plain_z"} else "hex") for each in self._messages]

    @property
    def _messages(self) -> list[dict[str, Any]]:
        return list(self.fields.get("messages", []))

    @property
    def data(self) -> bytes:
        """The payload of DATA without padding."""
        if "data" in self.fields or "data_z" in self.fields:
            return _bytes(self.fields, "data")
        framed = ((_bytes(each, "hex"), bool(each.get("compressed"))) for each in self._messages)
        return b"".join(struct.pack(">BL", compressed, len(message)) + message for message, compressed in framed)

    def encode(self) -> bytes:
        """Return the bytes of the frame on the wire."""
        if self.kind == "PREFACE":
            return PREFACE
        if self.kind == "raw":
            return bytes.fromhex(self.fields["raw"])
        kind = KINDS[self.kind] if self.kind in KINDS else int(self.kind, 16)
        bits = self.fields.get("flag_bits", 0) | sum(FLAGS[name] for name in self.flags)
        return frame(kind, bits, self.stream, self._payload())

    def _payload(self) -> bytes:
        fields = self.fields
        if "payload" in fields:
            return bytes.fromhex(fields["payload"])
        match self.kind:
            case "DATA":
                return self._padded(self.data)
            case "HEADERS" | "CONTINUATION":
                return self._padded(bytes.fromhex(fields.get("priority", "")) + _bytes(fields, "block"))
            case "SETTINGS":
                pairs = ((SETTINGS.get(name) or int(name), value) for name, value in fields["settings"].items())
                return b"".join(struct.pack(">HL", *pair) for pair in pairs)
            case "WINDOW_UPDATE":
                return struct.pack(">L", fields["increment"])
            case "PING":
                return bytes.fromhex(fields["opaque"])
            case "RST_STREAM":
                return struct.pack(">L", ErrorCode[fields["error"]])
            case "GOAWAY":
                debug: bytes = fields["debug"].encode("latin-1")
                return struct.pack(">LL", fields["last_stream"], ErrorCode[fields["error"]]) + debug
            case "PRIORITY":
                return bytes.fromhex(fields["priority"])
        raise AssertionError(f"no payload of {self.kind} is known")

    def _padded(self, payload: bytes) -> bytes:
        if "PADDED" not in self.flags:
            return payload
        padding = self.fields.get("padding", 0)
        return bytes([padding]) + payload + bytes(padding)


def _bytes(fields: dict[str, Any], key: str) -> bytes:
    if f"{key}_z" in fields:
        return zlib.decompress(base64.b64decode(fields[f"{key}_z"]))
    return bytes.fromhex(fields[key])


def load(name: str) -> list[Line]:
    """Return the lines of a conversation."""
    path = DIRECTORY / f"{name}.jsonl"
    text = path.read_text() if path.exists() else gzip.decompress(path.with_suffix(".jsonl.gz").read_bytes()).decode()
    return [_line(json.loads(line)) for line in text.splitlines()[1:]]


def _line(fields: dict[str, Any]) -> Line:
    kind = fields.get("frame") or ("raw" if "raw" in fields else fields["event"])
    flags = frozenset(fields.get("flags", ()))
    return Line(fields.get("conn", 0), fields.get("dir") == "c", kind, fields.get("stream", 0), flags, fields)
