"""Limits of all servers, and limits that depend on the protocol of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_EVENT_NUMBER: Final = 2**63 - 1
"""Number of a tombstone, which is larger than the number of any other event."""

MAX_COUNT: Final = 2**31 - 1
"""Largest number of events, or of milliseconds (24 days), in the settings of a consumer group."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a protocol, which are checked before anything is sent. None: the protocol has no such limit.

    Attributes:
        page_events: Largest number of events in one page or batch of a reading.
        ack_ids: Largest number of events in one acknowledgement message.
        login_bytes: Longest login or password in UTF-8.
        token_bytes: Longest bearer token in UTF-8.
        event_bytes: Largest event: data, metadata and type, the type in UTF-16 or UTF-8, whichever is longer.
        record_bytes: Largest record that a server can store for an event: the event, the name of its stream, and the
            ids and numbers of both. A server can terminate if it has to store a larger one.
    """

    page_events: int = 4096
    ack_ids: int = 2000
    login_bytes: int | None = None
    token_bytes: int | None = None
    event_bytes: int | None = None
    record_bytes: int | None = None
