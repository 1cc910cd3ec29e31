from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rxpump.errors import (
    AccessDenied,
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
)
from rxpump.model.group_settings import ConsumerStrategy, PersistentSubscriptionSettings
from rxpump.tcp.operations.manage_persistent import CreatePersistent, DeletePersistent, UpdatePersistent
from rxpump.tcp.protocol.outcome import Failure, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ChangePersistentSubscriptionResult, CreatePersistentSubscriptionResult
from rxpump.tcp.wire.commands import Command
from tests.recordings import load
from tests.tcp.operations.cases import assert_each_code_is_named, reply

SETTINGS = PersistentSubscriptionSettings()


def recorded(name: str, group: str) -> Any:
    """Return the recorded request that created this group on a real server."""
    for line in load(name):
        package = line.package
        if package and package.command == Command.CREATE_PERSISTENT_SUBSCRIPTION:
            message = schema.CreatePersistentSubscription.FromString(package.payload)
            if message.subscription_group_name == group:
                return message
    raise AssertionError(f"no {group} in {name}")


def test_create_and_update_contain_all_settings() -> None:
    settings = replace(
        SETTINGS,
        resolve_links=True,
        start_from=3,
        message_timeout_seconds=1.5,
        record_statistics=True,
        live_buffer_size=4,
        read_batch_size=5,
        buffer_size=6,
        max_retry_count=7,
        checkpoint_after_seconds=0.008,
        checkpoint_max_count=9,
        checkpoint_min_count=8,
        subscriber_max_count=10,
        strategy=ConsumerStrategy.PINNED,
    )
    expected = {
        "subscription_group_name": "judges",
        "event_stream_id": "ponies",
        "resolve_link_tos": True,
        "start_from": 3,
        "message_timeout_milliseconds": 1500,
        "record_statistics": True,
        "live_buffer_size": 4,
        "read_batch_size": 5,
        "buffer_size": 6,
        "max_retry_count": 7,
        "prefer_round_robin": False,
        "checkpoint_after_time": 8,
        "checkpoint_max_count": 9,
        "checkpoint_min_count": 8,
        "subscriber_max_count": 10,
        "named_consumer_strategy": "Pinned",
    }
    create = CreatePersistent("ponies", "judges", settings)
    assert schema.CreatePersistentSubscription.FromString(create.payload) == schema.CreatePersistentSubscription(
        **expected
    )
    update = UpdatePersistent("ponies", "judges", settings)
    assert schema.UpdatePersistentSubscription.FromString(update.payload) == schema.UpdatePersistentSubscription(
        **expected
    )


def test_delete_contains_stream_and_group() -> None:
    payload = DeletePersistent("ponies", "judges").payload
    assert schema.DeletePersistentSubscription.FromString(payload) == schema.DeletePersistentSubscription(
        subscription_group_name="judges", event_stream_id="ponies"
    )


def test_default_settings_equal_those_of_a_recorded_client() -> None:
    sent = schema.CreatePersistentSubscription.FromString(CreatePersistent("work", "crew", SETTINGS).payload)
    real = recorded("persistent-connect-ack", "crew")
    different = {
        field.name
        for field, _ in real.ListFields()
        if getattr(sent, field.name) != getattr(real, field.name) or not sent.HasField(field.name)
    }
    assert different <= {"start_from", "message_timeout_milliseconds", "prefer_round_robin"}, (
        "the settings of the recorded scenario"
    )


@pytest.mark.parametrize(
    ("operation", "message", "codes", "missing", "code"),
    [
        (
            CreatePersistent("ponies", "judges", SETTINGS),
            schema.CreatePersistentSubscriptionCompleted,
            CreatePersistentSubscriptionResult,
            PersistentSubscriptionExists,
            CreatePersistentSubscriptionResult.ALREADY_EXISTS,
        ),
        (
            UpdatePersistent("ponies", "judges", SETTINGS),
            schema.UpdatePersistentSubscriptionCompleted,
            ChangePersistentSubscriptionResult,
            PersistentSubscriptionNotFound,
            ChangePersistentSubscriptionResult.DOES_NOT_EXIST,
        ),
        (
            DeletePersistent("ponies", "judges"),
            schema.DeletePersistentSubscriptionCompleted,
            ChangePersistentSubscriptionResult,
            PersistentSubscriptionNotFound,
            ChangePersistentSubscriptionResult.DOES_NOT_EXIST,
        ),
    ],
    ids=str,
)
def test_each_result_code_has_its_result_or_error(
    operation: Any, message: Any, codes: Any, missing: Any, code: Any
) -> None:
    outcomes = {
        codes.SUCCESS: Success,
        code: (Failure, missing),
        codes.FAIL: (Failure, PersistentSubscriptionFailed),
        codes.ACCESS_DENIED: (Failure, AccessDenied),
    }
    assert_each_code_is_named(operation, message, codes, outcomes)


def test_a_refusal_contains_the_message_of_the_server() -> None:
    message = schema.CreatePersistentSubscriptionCompleted(
        result=CreatePersistentSubscriptionResult.FAIL, reason="Bad stream name."
    )
    outcome = reply(CreatePersistent("$all", "judges", SETTINGS), message)
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == "the persistent subscription 'judges' of '$all' was refused: Bad stream name."
