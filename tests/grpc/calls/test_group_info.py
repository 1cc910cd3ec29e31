"""Descriptions of consumer groups."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.grpc.calls.group_info import all_groups, group_info, groups_of
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.model.group_details import ConsumerDetails, GroupDetails
from rxpump.model.group_settings import GroupOptions
from rxpump.model.positions import END, Position
from tests.grpc.calls.asked import answer, is_recorded, recorded_responses

INFO = messages.SubscriptionInfo(
    event_source="ponies",
    group_name="riders",
    status="Live",
    connections=[
        {
            "from": "10.0.0.1:4711",
            "username": "ouro",
            "average_items_per_second": 3,
            "total_items": 70,
            "observed_measurements": [{"key": "Mean", "value": 117942}],
            "available_slots": 6,
            "in_flight_messages": 4,
            "connection_name": "stable",
        }
    ],
    average_per_second=5,
    total_items=77,
    last_checkpointed_event_position="5",
    last_known_event_position="11",
    resolve_link_tos=True,
    start_from="2",
    message_timeout_milliseconds=10500,
    extra_statistics=True,
    max_retry_count=9,
    live_buffer_size=501,
    buffer_size=502,
    read_batch_size=21,
    check_point_after_milliseconds=2500,
    min_check_point_count=11,
    max_check_point_count=1001,
    read_buffer_count=1,
    live_buffer_count=2,
    retry_buffer_count=3,
    total_in_flight_messages=4,
    named_consumer_strategy="Pinned",
    max_subscriber_count=8,
    parked_message_count=6,
)


def test_every_field_has_a_place() -> None:
    assert answer(group_info("ponies", "riders"), messages.GetInfoResponse(subscription_info=INFO)) == GroupDetails(
        stream="ponies",
        group="riders",
        status="Live",
        settings=GroupOptions(
            resolve_links=True,
            start_from=2,
            message_timeout_seconds=10.5,
            record_statistics=True,
            live_buffer_size=501,
            read_batch_size=21,
            buffer_size=502,
            max_retry_count=9,
            checkpoint_after_seconds=2.5,
            checkpoint_max_count=1001,
            checkpoint_min_count=11,
            subscriber_max_count=8,
            strategy="Pinned",
        ),
        consumers=(ConsumerDetails("10.0.0.1:4711", "ouro", "stable", 6, 4, 70, 3, {"Mean": 117942}),),
        last_checkpoint="5",
        last_known="11",
        parked=6,
        in_flight=4,
        read_buffer=1,
        live_buffer=2,
        retry_buffer=3,
        total_events=77,
        events_per_second=5,
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("0", 0),
        ("-1", END),
        ("C:947/P:946", Position(947, 946)),
        ("C:-1/P:-1", END),
        ("", END),
        ("soon", END),
    ],
)
def test_the_start_is_read_from_a_text(text: str, start: Any) -> None:
    response = messages.GetInfoResponse(subscription_info={"start_from": text})
    assert answer(group_info("ponies", "riders"), response).settings.start == start


def test_every_recorded_description_is_read() -> None:
    operation = group_info("pi", "busy")
    for response in recorded_responses(operation):
        details = answer(operation, response)
        assert details.group == response.subscription_info.group_name
        assert len(details.consumers) == len(response.subscription_info.connections)
    for response in recorded_responses(all_groups()):
        assert len(answer(all_groups(), response)) == len(response.subscriptions)


def test_other_clients_send_the_same_messages() -> None:
    assert is_recorded(all_groups())
    assert is_recorded(groups_of(None))
    assert is_recorded(groups_of("nm"))


def test_a_list_for_a_stream_names_it_in_errors() -> None:
    assert groups_of("ponies").context.stream_or_all == "ponies"
    assert groups_of(None).context.stream_or_all == "$all"
