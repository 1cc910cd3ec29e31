"""Create-, Update- and DeletePersistentSubscription (docs/protocol/tcp.md, section 4.18).

A user who may write to `$settings` may manage groups. The reply is sent when the change is saved.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

from rxpump.model.group_settings import ConsumerStrategy
from rxpump.model.system_names import ALL_STREAM, SETTINGS_STREAM, group_id
from rxpump.server.access.access import Permission
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.strategies import STRATEGIES
from rxpump.server.node import Node
from rxpump.server.store.changes import Appended, NotCommitted
from rxpump.server.store.group_commit import Outcome
from rxpump.server.tcp.request import Request, encode
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ChangePersistentSubscriptionResult as Changed
from rxpump.tcp.wire.codes import CreatePersistentSubscriptionResult as Created
from rxpump.tcp.wire.commands import Command

_MAY_NOT_CREATE: Final = "You do not have permissions to create streams"
_MAY_NOT_UPDATE: Final = "You do not have permissions to update the subscription"


class _Answer(NamedTuple):
    command: Command
    message: Any
    codes: type[Created] | type[Changed]


_CREATED: Final = _Answer(
    Command.CREATE_PERSISTENT_SUBSCRIPTION_COMPLETED, schema.CreatePersistentSubscriptionCompleted, Created
)
_UPDATED: Final = _Answer(
    Command.UPDATE_PERSISTENT_SUBSCRIPTION_COMPLETED, schema.UpdatePersistentSubscriptionCompleted, Changed
)
_DELETED: Final = _Answer(
    Command.DELETE_PERSISTENT_SUBSCRIPTION_COMPLETED, schema.DeletePersistentSubscriptionCompleted, Changed
)


def create_persistent(request: Request, node: Node) -> asyncio.Future[Outcome] | None:
    """Answer a CreatePersistentSubscription."""
    settings = group_settings(request.read(schema.CreatePersistentSubscription))
    refusal = _refusal_to_create(request, node, settings)
    if refusal is not None:
        _reply(request, _CREATED, *refusal)
        return None
    return _reply_when_saved(request, _CREATED, node.groups.create(settings, request.user.login))


def _refusal_to_create(request: Request, node: Node, settings: GroupSettings) -> tuple[Created, str] | None:
    if not node.access.may(request.user, Permission.WRITE, SETTINGS_STREAM):
        return Created.ACCESS_DENIED, _MAY_NOT_CREATE
    if settings.stream in ("", ALL_STREAM):
        return Created.FAIL, "Bad stream name."
    if node.groups.has(settings.stream, settings.group):
        return Created.ALREADY_EXISTS, f"Group '{settings.group}' already exists."
    if settings.strategy not in STRATEGIES:
        return Created.FAIL, _no_strategy(settings)
    if not node.groups.has_room_for(settings):
        return Created.FAIL, "There are too many groups."
    return None


def update_persistent(request: Request, node: Node) -> asyncio.Future[Outcome] | None:
    """Answer an UpdatePersistentSubscription."""
    settings = group_settings(request.read(schema.UpdatePersistentSubscription))
    if not node.access.may(request.user, Permission.WRITE, SETTINGS_STREAM):
        _reply(request, _UPDATED, Changed.ACCESS_DENIED, _MAY_NOT_UPDATE)
    elif settings.is_on_all or not node.groups.has(settings.stream, settings.group):
        _reply(request, _UPDATED, Changed.DOES_NOT_EXIST, _no_group(settings.group))
    elif settings.strategy not in STRATEGIES:
        _reply(request, _UPDATED, Changed.FAIL, _no_strategy(settings))
    else:
        return _reply_when_saved(request, _UPDATED, node.groups.update(settings, request.user.login))
    return None


def delete_persistent(request: Request, node: Node) -> asyncio.Future[Outcome] | None:
    """Answer a DeletePersistentSubscription."""
    message = request.read(schema.DeletePersistentSubscription)
    id = group_id(message.event_stream_id, message.subscription_group_name)
    if not node.access.may(request.user, Permission.WRITE, SETTINGS_STREAM):
        _reply(request, _DELETED, Changed.ACCESS_DENIED, _MAY_NOT_CREATE)
    elif message.event_stream_id == ALL_STREAM or not node.groups.has(
        message.event_stream_id, message.subscription_group_name
    ):
        _reply(request, _DELETED, Changed.DOES_NOT_EXIST, _no_group(message.subscription_group_name))
    else:
        return _reply_when_saved(request, _DELETED, node.groups.delete(id, request.user.login))
    return None


def group_settings(message: Any) -> GroupSettings:
    """Return the settings in a CreatePersistentSubscription or UpdatePersistentSubscription."""
    by_preference = (
        ConsumerStrategy.ROUND_ROBIN if message.prefer_round_robin else ConsumerStrategy.DISPATCH_TO_SINGLE
    )
    return GroupSettings(
        stream=message.event_stream_id,
        group=message.subscription_group_name,
        resolve_links=message.resolve_link_tos,
        start_from=message.start_from,
        message_timeout_seconds=message.message_timeout_milliseconds / 1000,
        record_statistics=message.record_statistics,
        live_buffer_size=message.live_buffer_size,
        read_batch_size=message.read_batch_size,
        buffer_size=message.buffer_size,
        max_retry_count=message.max_retry_count,
        checkpoint_after_seconds=message.checkpoint_after_time / 1000,
        checkpoint_max_count=message.checkpoint_max_count,
        checkpoint_min_count=message.checkpoint_min_count,
        subscriber_max_count=message.subscriber_max_count,
        strategy=message.named_consumer_strategy or by_preference,
    )


def _no_group(group: str) -> str:
    return f"Group '{group}' does not exist."


def _no_strategy(settings: GroupSettings) -> str:
    return f"Consumer strategy {settings.strategy} does not exist."


def _reply(request: Request, answer: _Answer, result: Created | Changed, reason: str = "") -> None:
    request.reply(answer.command, encode(answer.message(result=result, reason=reason)))


def _reply_when_saved(request: Request, answer: _Answer, saved: asyncio.Future[Outcome]) -> asyncio.Future[Outcome]:
    def reply(saved: asyncio.Future[Outcome]) -> None:
        match saved.result():
            case Appended():
                _reply(request, answer, answer.codes.SUCCESS)
            case failure:
                why = failure.reason if isinstance(failure, NotCommitted) else str(failure)
                lost = f"The change could not be saved, and is lost when the server stops: {why}"
                _reply(request, answer, answer.codes.FAIL, lost)

    saved.add_done_callback(reply)
    return saved
