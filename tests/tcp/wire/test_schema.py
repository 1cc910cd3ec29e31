from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError

from rxpump.tcp.wire import schema

PROTO = Path(__file__).parents[3] / "proto"


def shipped() -> FileDescriptorSet:
    return FileDescriptorSet.FromString(files("rxpump.tcp.wire").joinpath("eventstore.binpb").read_bytes())


def fields() -> list[tuple[str, FieldDescriptorProto]]:
    (file,) = shipped().file
    return [(message.name, field) for message in file.message_type for field in message.field]


def test_the_packaged_schema_equals_the_compiled_one(tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc", reason="the compiler is not installed here")
    compiled = tmp_path / "eventstore.binpb"
    assert protoc.main(["", f"--proto_path={PROTO}", f"--descriptor_set_out={compiled}", "eventstore.proto"]) == 0
    assert shipped() == FileDescriptorSet.FromString(compiled.read_bytes()), "make proto"


def test_each_message_has_its_class() -> None:
    (file,) = shipped().file
    without_fields = {message.name for message in file.message_type if not message.field}
    classes = {name for name, value in vars(schema).items() if hasattr(value, "FromString") and name[0] != "_"}
    assert {message.name for message in file.message_type} - without_fields <= classes
    for name in classes:
        assert getattr(schema, name).FromString(b"") == getattr(schema, name)()


@pytest.mark.parametrize(("message", "field"), fields(), ids=lambda each: getattr(each, "name", each))
def test_no_field_is_required_or_a_closed_enum(message: str, field: FieldDescriptorProto) -> None:
    assert field.label != FieldDescriptorProto.LABEL_REQUIRED, (
        "servers leave out fields that they declare as required"
    )
    assert field.type != FieldDescriptorProto.TYPE_ENUM, "a code that is not known would read as 0, Success"


TEXTS = [(message, field) for message, field in fields() if field.type == FieldDescriptorProto.TYPE_STRING]


@pytest.mark.parametrize(("message", "field"), TEXTS, ids=lambda each: getattr(each, "name", each))
def test_a_text_that_is_not_utf8_is_refused(message: str, field: FieldDescriptorProto) -> None:
    is_repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    payload = getattr(schema, message)(**{field.name: ["??"] if is_repeated else "??"}).SerializeToString()
    with pytest.raises(DecodeError):
        getattr(schema, message).FromString(payload.replace(b"??", b"\xff\xff"))


def test_an_explicit_zero_is_encoded() -> None:
    assert schema.WriteEventsCompleted(result=0, first_event_number=0).SerializeToString() == b"\x08\x00\x18\x00"
    assert schema.WriteEventsCompleted.FromString(b"\x38\x00").HasField("current_version")
    assert not schema.WriteEventsCompleted.FromString(b"").HasField("current_version")


def test_an_unknown_result_code_is_preserved() -> None:
    assert schema.ReadEventCompleted.FromString(b"\x08\x63").result == 99


def test_unknown_fields_are_ignored() -> None:
    assert schema.ReadEventCompleted.FromString(b"\x08\x01\xf8\x07\x05").result == 1


def test_joined_payloads_of_live_events_are_one_message() -> None:
    appeared = [
        schema.StreamEventAppeared(event=schema.ResolvedEvent(commit_position=position)) for position in (5, 6, 7)
    ]
    joined = b"".join(each.SerializeToString() for each in appeared)
    assert [event.commit_position for event in schema.StreamEventsAppeared.FromString(joined).events] == [5, 6, 7]


NEXT_TO_ANOTHER = """
from google.protobuf import descriptor_pb2, descriptor_pool

file = descriptor_pb2.FileDescriptorProto(name="eventstore.proto", package="rxpump.tcp.wire", syntax="proto2")
other = file.message_type.add(name="NewEvent")
other.field.add(name="something_else", number=1, type=5, label=1)
descriptor_pool.Default().Add(file)

from rxpump.tcp.wire import schema

assert [field.name for field in schema.NewEvent.DESCRIPTOR.fields][:2] == ["event_id", "event_type"]
assert schema.NewEvent.FromString(schema.NewEvent(event_type="T").SerializeToString()).event_type == "T"
theirs = descriptor_pool.Default().FindMessageTypeByName("rxpump.tcp.wire.NewEvent")
assert [field.name for field in theirs.fields] == ["something_else"]
"""


def test_another_copy_of_the_messages_can_be_loaded() -> None:
    """Another library has loaded messages with the same names into the pool that all libraries share."""
    subprocess.run([sys.executable, "-W", "error", "-c", NEXT_TO_ANOTHER], check=True, timeout=120)


def test_the_schema_has_its_own_descriptor_pool() -> None:
    pool = schema.NewEvent.DESCRIPTOR.file.pool
    assert pool is not descriptor_pb2.DESCRIPTOR.pool
