"""The numbers of the protocol (docs/protocol/tcp.md, section 6)."""

from typing import Final

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
"""The largest frame a receiver takes, its length prefix not counted."""

MAX_PAGE_EVENTS: Final = 4096
"""The most events one read may ask for."""

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024 - 10_000
"""The most bytes of data, metadata and type together in one event; the type is counted in UTF-16 or UTF-8."""

MAX_EVENT_NUMBER: Final = 2**63 - 1
"""The event number of a tombstone; no ordinary event ever has it."""

MAX_CREDENTIAL_BYTES: Final = 127
"""The longest login or password in UTF-8 that servers of every version read correctly."""

MAX_TOKEN_BYTES: Final = 2**15 - 1
"""The longest bearer token in UTF-8: its length travels as a negative number of 16 bits."""

MAX_COUNT: Final = 2**31 - 1
"""The largest number of events, or of milliseconds (24 days), in a persistent subscription's settings."""

MAX_ACK_IDS: Final = 2000
"""As many events as the reference client acknowledges in one package."""
