"""Statuses of recorded calls that failed: tests/data/wire/grpc/statuses.jsonl, one JSON object a line.

They are from the conversations in `tests.grpc.messages.recorded`. For each method there is one status for each
combination of code, error name, text (ignoring names and numbers in it) and keys. Headers that do not belong to the
status are left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import CallStatus, status_of_headers

FILE = Path(__file__).parents[2] / "data" / "wire" / "grpc" / "statuses.jsonl"


@dataclass(frozen=True)
class RecordedStatus:
    """A status that a server sent.

    Attributes:
        path: Path of the method that was called.
        method: The method, None if there is no such method.
        server: Version of the server.
        case: Name of the conversation.
        status: The status.
    """

    path: str
    method: Method | None
    server: str
    case: str
    status: CallStatus


def load() -> list[RecordedStatus]:
    return [_status(json.loads(line)) for line in FILE.read_text().splitlines()]


def _status(fields: dict[str, Any]) -> RecordedStatus:
    headers = tuple((name, value) for name, value in fields["headers"])
    status = status_of_headers(headers, dict(headers).get(":status", "200"))
    path = fields["path"]
    return RecordedStatus(path, METHODS.get(path), fields["server"], fields["case"], status)
