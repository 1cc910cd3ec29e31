"""Volatile subscriptions and the events that they receive (docs/protocol/tcp.md, section 4.15)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.server.model.access import ALL, READ, User, may
from tests.server.model.all_reads import resolved_event
from tests.server.model.filters import lets_through
from tests.server.model.links import resolve
from tests.server.model.log import Log

DENIED = schema.SubscriptionDropped(reason=1)
NO_CHECKPOINTS = -1


@dataclass
class Subscription:
    """A subscription to `stream`, or to all streams if that is empty; `examined` counts since the last checkpoint."""

    stream: str
    resolves: bool
    wanted: Any
    checkpoint_interval: int = NO_CHECKPOINTS
    examined: int = 0

    def events_of_command(self, log: Log) -> Iterator[tuple[Command, Any]]:
        """Return the events of the last command that the subscription receives."""
        news = [record for record in log.news if self.stream in ("", record.stream)]
        for each in resolve(log, news, links=self.resolves):
            if lets_through(self.wanted, each.record):
                yield Command.STREAM_EVENT_APPEARED, schema.StreamEventAppeared(event=resolved_event(each))
            self.examined += 1
            if self.examined == self.checkpoint_interval:
                self.examined = 0
                commit, prepare = each.record.position
                yield (
                    Command.CHECKPOINT_REACHED,
                    schema.CheckpointReached(commit_position=commit, prepare_position=prepare),
                )


def subscribe(log: Log, user: User, request: Any) -> Any:
    """Return the confirmation, or DENIED, also for a filtered subscription."""
    stream = request.event_stream_id
    if not may(log, user, READ, stream or ALL):
        return DENIED
    last = log.last(stream) if stream else None
    return schema.SubscriptionConfirmation(last_commit_position=log.last_commit, last_event_number=last)


def subscription(request: Any) -> Subscription:
    """Return the subscription that a request asks for."""
    wanted = getattr(request, "filter", schema.Filter())
    interval = getattr(request, "checkpoint_interval", NO_CHECKPOINTS)
    return Subscription(request.event_stream_id, request.resolve_link_tos, wanted, interval)
