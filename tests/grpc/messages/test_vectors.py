"""Example encodings that other clients accept, and the messages that they encode."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message

from rxpump.grpc.caller_metadata import call_metadata
from rxpump.grpc.messages import shared, status, streams
from rxpump.grpc.protocol.message_reader import frame_message
from rxpump.model.credentials import Credentials

ID = "01020304-0506-0708-090a-0b0c0d0e0f10"
OTHER_ID = "fedcba98-7654-3210-8899-aabbccddeeff"
EMPTY: dict[str, Any] = {}
S_1 = {"stream_name": b"s-1"}


def halves(text: str) -> dict[str, int]:
    id_bytes = UUID(text).bytes
    return {
        "most_significant_bits": int.from_bytes(id_bytes[:8], "big", signed=True),
        "least_significant_bits": int.from_bytes(id_bytes[8:], "big", signed=True),
    }


def batch_error() -> Any:
    error = status.Status(code=6, message="WrongExpectedVersion")
    details = streams.WrongExpectedVersion(current_stream_revision=2, expected_stream_position=5)
    error.details.add(
        type_url="type.googleapis.com/event_store.client.WrongExpectedVersion", value=details.SerializeToString()
    )
    return streams.BatchAppendResponse(
        correlation_id={"string": ID}, error=error, stream_identifier={"stream_name": b"s-1"}
    )


VECTORS: dict[str, tuple[Any, str]] = {
    "structured id": (
        shared.Uuid(structured=halves(ID)),
        "0a1408888e98a8c0e080810110909eb8e8c0e1828509",
    ),
    "id as text": (shared.Uuid(string=ID), "1224" + ID.encode().hex()),
    "structured id with negative halves": (
        shared.Uuid(structured=halves(OTHER_ID)),
        "0a160890e4d0b287d3aeeefe0110ffddf7e6bcd7eacc8801",
    ),
    "read of a stream": (
        streams.ReadRequest(
            options={
                "stream": {"stream_identifier": S_1, "start": EMPTY},
                "count": 2,
                "no_filter": EMPTY,
                "uuid_option": {"string": EMPTY},
                "control_option": {"compatibility": 1},
            }
        ),
        "0a170a090a051a03732d311a00280242004a02120052020801",
    ),
    "filtered subscription to all": (
        streams.ReadRequest(
            options={
                "all": {"end": EMPTY},
                "subscription": EMPTY,
                "filter": {"event_type": {"prefix": ["T"]}, "count": EMPTY, "checkpoint_interval_multiplier": 1},
                "uuid_option": {"structured": EMPTY},
            }
        ),
        "0a1512021a0032003a091203120154220028014a020a00",
    ),
    "options of an append": (
        streams.AppendRequest(options={"stream_identifier": S_1, "any": EMPTY}),
        "0a090a051a03732d312200",
    ),
    "success of an append": (
        streams.AppendResponse(
            success={"current_revision": 0, "position": {"commit_position": 300, "prepare_position": 300}}
        ),
        "0a0a08001a0608ac0210ac02",
    ),
    "stream not found": (
        streams.ReadResponse(stream_not_found={"stream_identifier": {"stream_name": b"nope"}}),
        "22080a061a046e6f7065",
    ),
    "confirmation": (streams.ReadResponse(confirmation={"subscription_id": "id"}), "12040a026964"),
    "caught up without fields": (streams.ReadResponse(caught_up=EMPTY), "4200"),
    "last stream position 0": (streams.ReadResponse(last_stream_position=0), "3000"),
    "error of a batch": (
        batch_error(),
        "0a26122430313032303330342d303530362d303730382d303930612d306230633064306530663130125d0806121457726f6e674578"
        "70656374656456657273696f6e1a430a3b747970652e676f6f676c65617069732e636f6d2f6576656e745f73746f72652e636c6965"
        "6e742e57726f6e67457870656374656456657273696f6e12040802180522051a03732d31",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_message_is_encoded_as_in_the_vector(name: str) -> None:
    message, encoded = VECTORS[name]
    assert message.SerializeToString().hex() == encoded


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_decoded_to_the_message(name: str) -> None:
    message, encoded = VECTORS[name]
    assert isinstance(message, Message)
    decoded = type(message).FromString(bytes.fromhex(encoded))
    assert str(decoded) == str(message)


def test_a_message_has_a_prefix_in_a_frame() -> None:
    message = streams.ReadResponse(last_stream_position=0).SerializeToString()
    assert frame_message(message) == bytes.fromhex("00000000023000")


def test_credentials_are_encoded_as_in_the_vector() -> None:
    metadata = dict(call_metadata("", Credentials("admin", "changeit"), require_leader=False))
    assert metadata["authorization"] == "Basic YWRtaW46Y2hhbmdlaXQ="


def test_a_proposed_event_is_encoded_as_in_the_vector() -> None:
    """The order of the metadata may differ."""
    encoded = (
        "12590a26122430313032303330342d303530362d303730382d303930612d30623063306430653066313012200a0c636f6e74656e74"
        "2d7479706512106170706c69636174696f6e2f6a736f6e12090a047479706512015422027b7d"
    )
    event = {"id": {"string": ID}, "metadata": {"type": "T", "content-type": "application/json"}, "data": b"{}"}
    message = streams.AppendRequest(proposed_message=event)
    assert streams.AppendRequest.FromString(bytes.fromhex(encoded)) == message
    assert sorted(message.SerializeToString()) == sorted(bytes.fromhex(encoded))
