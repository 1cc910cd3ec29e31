"""Create, update and delete a consumer group.

An update is repeated after a lost connection. The other requests are not, because if the first attempt had succeeded,
the second one would fail: the group "already exists" or "does not exist".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rxpump.errors import (
    AccessDenied,
    InvalidArgument,
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    UnexpectedReply,
)
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.positions import START, Edge, Position
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ChangePersistentSubscriptionResult, CreatePersistentSubscriptionResult
from rxpump.tcp.wire.commands import Command


class _Manage(Operation[None], ABC):
    """Base class of the requests about a group (docs/protocol/tcp.md, sections 3.6, 4.18)."""

    needs_leader = True

    stream: str
    group: str

    def __str__(self) -> str:
        return f"{super().__str__()} {self.group!r} of {self.stream!r}"


class CreatePersistent(_Manage):
    """The request CreatePersistentSubscription."""

    repeatable = False
    command = Command.CREATE_PERSISTENT_SUBSCRIPTION
    reply = Command.CREATE_PERSISTENT_SUBSCRIPTION_COMPLETED

    def __init__(self, stream: str, group: str, settings: PersistentSubscriptionSettings) -> None:
        self.stream: str = stream
        self.group: str = group
        self.payload: bytes = _settings_message(schema.CreatePersistentSubscription, stream, group, settings)

    def answer(self, payload: bytes) -> Outcome[None]:
        """Return success, or the error for the result."""
        reply = schema.CreatePersistentSubscriptionCompleted.FromString(payload)
        match reply.result:
            case CreatePersistentSubscriptionResult.SUCCESS:
                return Success(None)
            case CreatePersistentSubscriptionResult.ALREADY_EXISTS:
                return Failure(PersistentSubscriptionExists(self.stream, self.group))
            case CreatePersistentSubscriptionResult.FAIL:
                return Failure(PersistentSubscriptionFailed(self.stream, self.group, reply.reason))
            case CreatePersistentSubscriptionResult.ACCESS_DENIED:
                return Failure(AccessDenied("create persistent subscriptions of", self.stream))
            case unknown:
                return Failure(UnexpectedReply(str(self), f"the unknown result {unknown}"))


class _Change(_Manage, ABC):
    """Base class of requests for which the group must exist."""

    verb: str

    @abstractmethod
    def _completed(self, payload: bytes) -> Any:
        """Parse the reply."""

    def answer(self, payload: bytes) -> Outcome[None]:
        """Return success, or the error for the result."""
        reply = self._completed(payload)
        match reply.result:
            case ChangePersistentSubscriptionResult.SUCCESS:
                return Success(None)
            case ChangePersistentSubscriptionResult.DOES_NOT_EXIST:
                return Failure(PersistentSubscriptionNotFound(self.stream, self.group))
            case ChangePersistentSubscriptionResult.FAIL:
                return Failure(PersistentSubscriptionFailed(self.stream, self.group, reply.reason))
            case ChangePersistentSubscriptionResult.ACCESS_DENIED:
                return Failure(AccessDenied(f"{self.verb} persistent subscriptions of", self.stream))
            case unknown:
                return Failure(UnexpectedReply(str(self), f"the unknown result {unknown}"))


class UpdatePersistent(_Change):
    """UpdatePersistentSubscription. The server drops the connected consumers, which connect again."""

    command = Command.UPDATE_PERSISTENT_SUBSCRIPTION
    reply = Command.UPDATE_PERSISTENT_SUBSCRIPTION_COMPLETED
    verb = "update"

    def __init__(self, stream: str, group: str, settings: PersistentSubscriptionSettings) -> None:
        self.stream: str = stream
        self.group: str = group
        self.payload: bytes = _settings_message(schema.UpdatePersistentSubscription, stream, group, settings)

    def _completed(self, payload: bytes) -> Any:
        return schema.UpdatePersistentSubscriptionCompleted.FromString(payload)


class DeletePersistent(_Change):
    """DeletePersistentSubscription. The checkpoint of the group and its parked events are deleted too."""

    repeatable = False
    command = Command.DELETE_PERSISTENT_SUBSCRIPTION
    reply = Command.DELETE_PERSISTENT_SUBSCRIPTION_COMPLETED
    verb = "delete"

    def __init__(self, stream: str, group: str) -> None:
        self.stream: str = stream
        self.group: str = group
        self.payload: bytes = schema.DeletePersistentSubscription(
            subscription_group_name=group, event_stream_id=stream
        ).SerializeToString()

    def _completed(self, payload: bytes) -> Any:
        return schema.DeletePersistentSubscriptionCompleted.FromString(payload)


def _settings_message(message: Any, stream: str, group: str, settings: PersistentSubscriptionSettings) -> bytes:
    """Return the encoded message with all settings, because a server reads a missing one as 0."""
    encoded: bytes = message(
        subscription_group_name=group,
        event_stream_id=stream,
        resolve_link_tos=settings.resolve_links,
        start_from=_first_number(settings.start),
        message_timeout_milliseconds=round(settings.message_timeout_seconds * 1000),
        record_statistics=settings.record_statistics,
        live_buffer_size=settings.live_buffer_size,
        read_batch_size=settings.read_batch_size,
        buffer_size=settings.buffer_size,
        max_retry_count=settings.max_retry_count,
        prefer_round_robin=settings.strategy == "RoundRobin",
        checkpoint_after_time=round(settings.checkpoint_after_seconds * 1000),
        checkpoint_max_count=settings.checkpoint_max_count,
        checkpoint_min_count=settings.checkpoint_min_count,
        subscriber_max_count=settings.subscriber_max_count,
        named_consumer_strategy=str(settings.strategy),
    ).SerializeToString()
    return encoded


def _first_number(start: int | Position | Edge) -> int:
    """Return the number that TCP requests use for the start of a group on a stream."""
    if isinstance(start, Position):
        raise InvalidArgument("start_from", start, "a number, START or END for a group on a stream")
    if isinstance(start, Edge):
        return 0 if start is START else -1
    return start
