"""Messages of recorded conversations with real servers: tests/data/wire/grpc/messages.jsonl, one JSON object a line.

The servers are Event Store 23.10.6, EventStoreDB 24.10.4 and KurrentDB 26.1.0, the clients are kurrentdbclient, both
node clients and a raw client. They sent 24,000 messages. For each method and each set of fields and kinds of values
(zero, up to 31 bits, up to 63 bits, 64 bits) the file has the shortest message, except for messages that were
malformed on purpose.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS

FILE = Path(__file__).parents[2] / "data" / "wire" / "grpc" / "messages.jsonl"


@dataclass(frozen=True)
class RecordedMessage:
    """A recorded message of a client or a server.

    Attributes:
        method: Method that was called.
        from_client: Whether it is a request.
        server: Version of the server.
        case: Name of the conversation.
        data: The message without its prefix, decompressed.
    """

    method: Method
    from_client: bool
    server: str
    case: str
    data: bytes

    @property
    def message_class(self) -> Any:
        return self.method.request if self.from_client else self.method.response


def load() -> list[RecordedMessage]:
    return [_message(json.loads(line)) for line in FILE.read_text().splitlines()]


def _message(fields: dict[str, Any]) -> RecordedMessage:
    return RecordedMessage(
        METHODS[fields["path"]],
        fields["from"] == "client",
        fields["server"],
        fields["case"],
        bytes.fromhex(fields["hex"]),
    )
