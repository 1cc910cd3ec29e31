"""Volatile subscriptions: who is told what (protocol section 4.15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rxpump.wire import schema
from tests.server.model.access import ALL, READ, User, may
from tests.server.model.links import resolve
from tests.server.model.log import Log

DENIED = schema.SubscriptionDropped(reason=1)
UNSUBSCRIBED = schema.SubscriptionDropped()


class Subscription(NamedTuple):
    """To `stream`, or to everything if that is empty."""

    stream: str
    resolves: bool

    def told(self, log: Log) -> Iterator[Any]:
        """What the last command makes appear."""
        news = [record for record in log.news if self.stream in ("", record.stream)]
        for each in resolve(log, news, links=self.resolves):
            event = schema.ResolvedEvent(
                commit_position=each.record.commit, prepare_position=each.record.prepare, **each.fields()
            )
            yield schema.StreamEventAppeared(event=event)


def subscribe(log: Log, user: User, request: Any) -> Any:
    """The confirmation, or DENIED."""
    stream = request.event_stream_id
    if not may(log, user, READ, stream or ALL):
        return DENIED
    last = log.last(stream) if stream else None
    return schema.SubscriptionConfirmation(last_commit_position=log.last_commit, last_event_number=last)
