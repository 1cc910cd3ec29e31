"""All consumer groups of a mock transport."""

from __future__ import annotations

from collections.abc import Sequence

from rxpump.errors import (
    PersistentSubscriptionDeleted,
    PersistentSubscriptionExists,
    PersistentSubscriptionNotFound,
    RxPumpError,
    SubscriptionDropped,
)
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.system_names import ALL_STREAM
from rxpump.testing.memory_log import MemoryLog
from rxpump.testing.mock_group import MockGroup


class MockGroups:
    """Consumer groups by stream and name; the stream None is `$all`.

    Args:
        log: The log.
    """

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._groups: dict[tuple[str | None, str], MockGroup] = {}

    def find(self, stream: str | None, name: str) -> MockGroup:
        """Return a group.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
        """
        if (stream, name) not in self._groups:
            raise PersistentSubscriptionNotFound(_shown(stream), name)
        return self._groups[stream, name]

    def create(self, stream: str | None, name: str, settings: PersistentSubscriptionSettings) -> None:
        """Create a group.

        Raises:
            PersistentSubscriptionExists: There is such a group.
        """
        if (stream, name) in self._groups:
            raise PersistentSubscriptionExists(_shown(stream), name)
        self._groups[stream, name] = MockGroup(self._log, stream, name, settings)

    def update(self, stream: str | None, name: str, settings: PersistentSubscriptionSettings) -> None:
        """Replace the settings of a group, and drop its consumers."""
        found = self.find(stream, name)
        found.settings = settings
        found.end(SubscriptionDropped(_shown(stream), "the group was updated"))

    def delete(self, stream: str | None, name: str) -> None:
        """Delete a group, and end the sessions of its consumers."""
        self.find(stream, name).end(PersistentSubscriptionDeleted(_shown(stream), name))
        del self._groups[stream, name]

    def restart(self) -> None:
        """Drop the consumers of all groups."""
        for group in self._groups.values():
            group.end(SubscriptionDropped(group.stream, "the groups were restarted"))

    def details(self) -> Sequence[GroupDetails]:
        """Return the states of all groups."""
        return [group.details() for group in self._groups.values()]

    def details_of(self, stream: str | None) -> Sequence[GroupDetails]:
        """Return the states of the groups of one stream."""
        return [group.details() for (source, _), group in self._groups.items() if source == stream]

    def end(self, ending: RxPumpError) -> None:
        """End all sessions, because the connection ended."""
        for group in self._groups.values():
            group.end(ending)

    def __repr__(self) -> str:
        return f"<MockGroups {len(self._groups)} groups>"


def _shown(stream: str | None) -> str:
    return ALL_STREAM if stream is None else stream
