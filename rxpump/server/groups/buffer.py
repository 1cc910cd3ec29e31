"""The events of a group that wait for a consumer, ordered: retries by event number, then new events."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence

from rxpump.server.groups.message import Message


class Buffer:
    """Messages that wait for a consumer."""

    def __init__(self) -> None:
        self._retries: list[Message] = []
        self._new: deque[Message] = deque()

    def add(self, messages: Iterable[Message]) -> None:
        """Add new messages after all others."""
        self._new.extend(messages)

    def retry(self, message: Message) -> None:
        """Add a message that is delivered before new messages."""
        heapq.heappush(self._retries, message)

    def pop(self) -> Message:
        """Remove and return the next message.

        Raises:
            IndexError: The buffer is empty.
        """
        return heapq.heappop(self._retries) if self._retries else self._new.popleft()

    def put_back(self, messages: Sequence[Message]) -> None:
        """Return messages, in the order in which they were popped, that could not be delivered."""
        new = [message for message in messages if not _goes_first(message)]
        self._new.extendleft(reversed(new))
        for message in filter(_goes_first, messages):
            self.retry(message)

    @property
    def retries(self) -> int:
        """Number of messages that are delivered before new messages."""
        return len(self._retries)

    def __len__(self) -> int:
        return len(self._retries) + len(self._new)

    def __repr__(self) -> str:
        return f"<Buffer of {len(self._retries)} retries and {len(self._new)} new>"


def _goes_first(message: Message) -> bool:
    return message.retry_count > 0 or message.replay_of is not None
