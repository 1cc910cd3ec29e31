"""The settings of consumer groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rxpump.model.group_settings import GroupOptions
from rxpump.model.system_names import ALL_STREAM, group_id
from rxpump.server.groups.group_filter import GroupFilter

_MAX_PAGE: Final = 100  # number of events, the same as on a real server
_DEFAULT_PAGE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings(GroupOptions):
    """A consumer group with its settings, as its creator sent them (`PersistentSubscriptionSettings` describes them).

    As on a real server, every number is accepted. A message timeout of 0 or less means never, except with
    `follows_v23`. A time of 0 between checkpoints means never. A maximum number of consumers of 0 means no limit, and
    with a negative one no consumer can connect.
    `live_buffer_size` only limits a number in
    the information about the group, because there is no live buffer (`rxpump.server.groups.stream_cursor`).

    Attributes:
        stream: Stream of the group.
        group: Name of the group in its stream.
        start_from: Number of the first event; a negative number for the events after the creation of the group.
            Numbers of a group on all streams are offsets in the log.
        filter: Filter of a group on all streams; None for no filter.
        follows_v23: Whether the group behaves as in server versions from 23.10 on: a message timeout of 0 or less has
            passed at the next check of the deadlines, about once a second. Otherwise it never passes, as in version
            4. The form of the checkpoints depends on it, too, and whether the slot of an event becomes free if
            another consumer settles the event.
    """

    start_from: int = field(default=-1, kw_only=False)
    stream: str
    group: str
    filter: GroupFilter | None = None
    follows_v23: bool = False

    @property
    def is_on_all(self) -> bool:
        """Whether the group is on all streams."""
        return self.stream == ALL_STREAM

    @property
    def id(self) -> str:
        """Id of the group, which consumers send with acknowledgements."""
        return group_id(self.stream, self.group)

    @property
    def characters(self) -> int:
        """Characters of the names and the filter."""
        return len(self.id) + (0 if self.filter is None else self.filter.characters)

    def position_text(self, number: int) -> str:
        """Return the text that describes the position of an event to clients."""
        return f"C:{number}/P:{number}" if self.is_on_all else str(number)

    @property
    def page_size(self) -> int:
        """Number of events to read at a time, at least 1.

        A page never exceeds the buffer. A real server reads nothing if its page does not fit into the buffer.
        """
        asked = self.read_batch_size if self.read_batch_size > 0 else _DEFAULT_PAGE
        return max(1, min(asked, _MAX_PAGE, self.buffer_size))
