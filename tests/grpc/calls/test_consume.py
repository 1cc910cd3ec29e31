"""Messages of the consumers of a group."""

from __future__ import annotations

from uuid import UUID

import pytest

from rxpump.grpc.calls.consume import MAX_ACK_IDS, acks, consume, consume_context, nacks
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.model.group_settings import NackAction
from tests.grpc.messages import recorded

ID = UUID("fedcba98-7654-3210-8899-aabbccddeeff")


def test_the_first_request_names_the_group() -> None:
    options = messages.ReadRequest.FromString(consume("pöny", "riders", 7)).options
    assert options.stream_identifier.stream_name == "pöny".encode()
    assert (options.group_name, options.buffer_size) == ("riders", 7)
    assert options.uuid_option.WhichOneof("form") == "structured"
    assert messages.ReadRequest.FromString(consume(None, "riders", 7)).options.WhichOneof("source") == "all"


def test_real_servers_were_sent_the_same_request() -> None:
    sent = [each.data for each in recorded.load() if each.method == messages.READ and each.from_client]
    assert messages.ReadRequest.FromString(consume("pa", "g", 3)) in map(messages.ReadRequest.FromString, sent)


def test_ids_are_sent_in_their_structured_form() -> None:
    (request,) = acks([ID.bytes_le])
    assert (
        messages.ReadRequest.FromString(request).ack.ids[0]
        == messages.ReadRequest.Ack(
            ids=[
                {
                    "structured": {
                        "most_significant_bits": -81985529216486896,
                        "least_significant_bits": -8603657889541918977,
                    }
                }
            ]
        ).ids[0]
    )


def test_many_ids_are_sent_in_several_requests() -> None:
    requests = acks([ID.bytes_le] * (MAX_ACK_IDS + 1))
    assert [len(messages.ReadRequest.FromString(each).ack.ids) for each in requests] == [MAX_ACK_IDS, 1]
    refusals = nacks([ID.bytes_le] * (MAX_ACK_IDS + 1), NackAction.SKIP, "")
    assert [len(messages.ReadRequest.FromString(each).nack.ids) for each in refusals] == [MAX_ACK_IDS, 1]
    assert acks([]) == []


@pytest.mark.parametrize(
    ("action", "number"),
    [(NackAction.PARK, 1), (NackAction.RETRY, 2), (NackAction.SKIP, 3), (NackAction.STOP, 4)],
)
def test_a_refusal_has_an_action_and_a_reason(action: NackAction, number: int) -> None:
    (request,) = nacks([ID.bytes_le], action, "no saddle")
    nack = messages.ReadRequest.FromString(request).nack
    assert (nack.action, nack.reason, len(nack.ids)) == (number, "no saddle", 1)


def test_errors_name_the_group() -> None:
    context = consume_context(None, "riders")
    assert context.operation == "PersistentSubscriptions.Read 'riders' of '$all'"
    assert context.action == "subscribe to"
