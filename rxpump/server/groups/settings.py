"""What a consumer group is told to be like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ROUND_ROBIN: Final = "RoundRobin"
DISPATCH_TO_SINGLE: Final = "DispatchToSingle"
PINNED: Final = "Pinned"
PINNED_BY_CORRELATION: Final = "PinnedByCorrelation"

FROM_END: Final = -1
"""As `start_from`: only what is written after the group was made."""

_MOST_IN_PAGE: Final = 100  # as on a real server, whatever the group asks for
_PAGE_BY_DEFAULT: Final = 10


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """The settings of consumer group `group` of `stream`, as its maker sent them.

    No number is refused, as on a real server. Of the buffers, `buffer_size` bounds what is read and not
    sent; `live_buffer_size` and `record_statistics` are kept for those who ask for the configuration,
    and have no effect here: see rxpump.server.groups.stream_cursor, and there are no statistics.

    message_timeout_ms:   milliseconds until an event that nobody answered for is sent again; none if <= 0.
    max_retry_count:      how often an event is sent again before it is parked.
    checkpoint_after_ms:  milliseconds between two checkpoints of few events; none of these if <= 0.
    subscriber_max_count: how many consumers may connect; any number if <= 0.
    """

    stream: str
    group: str
    resolve_links: bool = False
    start_from: int = FROM_END
    message_timeout_ms: int = 30_000
    record_statistics: bool = False
    live_buffer_size: int = 500
    read_batch_size: int = 20
    buffer_size: int = 500
    max_retry_count: int = 10
    checkpoint_after_ms: int = 2_000
    checkpoint_max_count: int = 1_000
    checkpoint_min_count: int = 10
    subscriber_max_count: int = 0
    strategy: str = ROUND_ROBIN

    @property
    def id(self) -> str:
        """What consumers call the group when they acknowledge."""
        return group_id(self.stream, self.group)

    @property
    def page_size(self) -> int:
        """How many events are read at a time, at least 1.

        A real server whose page does not fit its buffer reads nothing; here the page is made to fit.
        """
        asked = self.read_batch_size if self.read_batch_size > 0 else _PAGE_BY_DEFAULT
        return max(1, min(asked, _MOST_IN_PAGE, self.buffer_size))


def group_id(stream: str, group: str) -> str:
    """Name a group across all streams."""
    return f"{stream}::{group}"
