"""Consumer groups with their consumers and counts, as the server describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rxpump.model.group_settings import GroupOptions
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import ALL_STREAM

_PLACE: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class ConsumerDetails:
    """A consumer that is connected to a group.

    Attributes:
        address: Address that the consumer connected from; empty if the server does not name it.
        login: Login of its user; empty for an anonymous user.
        connection_name: Name of its client.
        available_slots: Events that it can be sent before it acknowledges one.
        in_flight: Events that it was sent and has not acknowledged.
        total_events: Events that it was sent since it connected.
        events_per_second: Events that it was sent in a second, on average.
        measurements: Latencies by name, if the settings of the group enable them (`record_statistics`).
    """

    address: str
    login: str
    connection_name: str
    available_slots: int
    in_flight: int
    total_events: int
    events_per_second: int
    measurements: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class GroupDetails:
    """A consumer group: its settings, its place, its consumers and its waiting events.

    Attributes:
        stream: Name of the stream; `$all` for a group on `$all`.
        group: Name of the group.
        status: State as the server names it, for example "Live" or "Behind".
        settings: Settings of the group, except for its filter, which servers do not return.
        consumers: Consumers that are connected.
        last_checkpoint: Place of the last checkpoint as text: a number, or "C:<commit>/P:<prepare>" for `$all`;
            empty before the first checkpoint.
        last_known: Place of the last event of the stream that the group has seen, as text like `last_checkpoint`.
        parked: Events that are parked.
        in_flight: Events that were delivered and are not acknowledged.
        read_buffer: Events that were read and wait to be delivered.
        live_buffer: New events that wait to be delivered.
        retry_buffer: Events that wait to be delivered again.
        total_events: Events that were delivered since the group was started.
        events_per_second: Events that were delivered in a second, on average.
    """

    stream: str
    group: str
    status: str
    settings: GroupOptions
    consumers: tuple[ConsumerDetails, ...] = ()
    last_checkpoint: str = ""
    last_known: str = ""
    parked: int = 0
    in_flight: int = 0
    read_buffer: int = 0
    live_buffer: int = 0
    retry_buffer: int = 0
    total_events: int = 0
    events_per_second: int = 0

    @property
    def lag(self) -> int | None:
        """Events between the last checkpoint and the last known event, or bytes of the log for `$all`.

        A group writes its checkpoint periodically, so events that were handled since then are counted. None if the
        place of one of them is unknown, or the stream is tombstoned.
        """
        last, end = _PLACE.search(self.last_checkpoint), _PLACE.search(self.last_known)
        if end is None or int(end[0]) == MAX_EVENT_NUMBER:  # the number of a tombstone
            return None
        if last is not None:
            return max(0, int(end[0]) - int(last[0]))
        start = self.settings.start_from
        if self.stream == ALL_STREAM or not isinstance(start, int) or start < 0:
            return None
        return max(0, int(end[0]) + 1 - start)
