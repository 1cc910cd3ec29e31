"""Live subscriptions with a filter (docs/protocol/tcp.md, section 4.15).

The client receives the events that match. After a number of examined events it receives a checkpoint with the
position of the last one, from which it can resume even if matching events are rare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from rxpump.server.store.committed_batch import CommittedBatch, CommittedEvent
from rxpump.server.store.filters import LogFilter
from rxpump.server.store.regex_matcher import TooCostly
from rxpump.server.tcp.batch_frames import appeared
from rxpump.server.tcp.subscriptions import Subscription
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from rxpump.tcp.wire.schema import CheckpointReached

_STEPS: Final = 4_000
_STEPS_PER_EVENT: Final = 200
"""Further steps that a filter may take for each event of a batch, which is about 0.1 ms."""


class FilteredSubscription(Subscription):
    """One subscription with a filter; see Subscription for the other arguments.

    Args:
        wanted: The filter.
        checkpoint_interval: Examined events between two checkpoints; None for no checkpoints.
    """

    def __init__(
        self,
        correlation_id: bytes,
        stream: str,
        after: int,
        send: Callable[[bytes], None],
        dropped: Callable[[Subscription], None],
        *,
        resolve_links: bool,
        wanted: LogFilter,
        checkpoint_interval: int | None,
    ) -> None:
        super().__init__(correlation_id, stream, after, send, dropped, resolve_links=resolve_links)
        self._wanted = wanted
        self._checkpoint_interval = checkpoint_interval
        self._examined = 0  # events since the last checkpoint

    @property
    def size(self) -> int:
        """Bytes of memory that the subscription takes."""
        return super().size + self._wanted.search.size

    def receive(self, batch: CommittedBatch) -> None:
        """Send the events of a committed batch that match. Drop the subscription if its filter takes too long."""
        frames: list[bytes] = []
        events = batch.events_after(self._after)
        most_steps = self._wanted.search.steps + _STEPS + _STEPS_PER_EVENT * len(events)
        try:
            for event in events:
                frames += self._frames(event)
                if self._wanted.search.steps > most_steps:
                    raise TooCostly
        except TooCostly:
            self.drop()
            return
        if frames:
            self._send(b"".join(frames))

    def _frames(self, event: CommittedEvent) -> Iterator[bytes]:
        if self._wanted.matches(event.entry.event):
            payload = appeared(event, resolve_links=self._resolve_links)
            yield self._frame(Command.STREAM_EVENT_APPEARED, payload)
        self._examined += 1
        if self._examined == self._checkpoint_interval:
            self._examined = 0
            yield self._frame(Command.CHECKPOINT_REACHED, _checkpoint(event.entry))

    def _frame(self, command: Command, payload: bytes) -> bytes:
        return Package(command, self.correlation_id, payload).encode()

    def __repr__(self) -> str:
        return f"<FilteredSubscription to {self.stream or 'everything'} after {self._after}, {self._wanted!r}>"


def _checkpoint(event: Any) -> bytes:
    at = CheckpointReached(commit_position=event.commit_position, prepare_position=event.prepare_position)
    return bytes(at.SerializeToString())
