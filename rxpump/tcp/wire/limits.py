"""Limits of the TCP protocol and of servers (docs/protocol/tcp.md, section 6)."""

from __future__ import annotations

from typing import Final

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
"""Size in bytes of the largest frame, without its length prefix."""

MAX_PAGE_EVENTS: Final = 4096
"""Number of events in the largest page."""

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024 - 10_000
"""Size in bytes of the largest event: data, metadata and type. The type counts in UTF-16 or UTF-8, the longer one."""

MAX_CREDENTIAL_BYTES: Final = 127
"""Size in bytes (UTF-8) of the longest login or password that servers of every version read correctly."""

MAX_TOKEN_BYTES: Final = 2**15 - 1
"""Size in bytes (UTF-8) of the longest bearer token. Its length is sent as a negative number of 16 bits."""

MAX_ACK_IDS: Final = 2000
"""Largest number of event ids in one acknowledgement, the same as in other clients."""
