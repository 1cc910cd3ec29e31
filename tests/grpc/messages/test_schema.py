from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

import rxpump.grpc.messages
from rxpump.grpc.messages import (
    gossip,
    indexes_v2,
    monitoring,
    operations,
    persistent_subscriptions,
    projections,
    schema,
    server_features,
    shared,
    status,
    streams,
    streams_v2,
    users,
)
from rxpump.grpc.messages.methods import Method

PROTO = Path(__file__).parents[3] / "proto"
MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        gossip,
        indexes_v2,
        monitoring,
        operations,
        persistent_subscriptions,
        projections,
        server_features,
        shared,
        status,
        streams,
        streams_v2,
        users,
    )
}


def shipped() -> FileDescriptorSet:
    return FileDescriptorSet.FromString(files(rxpump.grpc.messages).joinpath("schema.binpb").read_bytes())


def our_files() -> dict[str, FileDescriptorProto]:
    return {Path(file.name).stem: file for file in shipped().file if file.package.startswith("rxpump.")}


def test_the_shipped_schema_is_compiled_from_the_proto_files(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="the compiler is a development dependency")
    compiled = tmp_path / "schema.binpb"
    sources = sorted(f"grpc/{path.name}" for path in (PROTO / "grpc").glob("*.proto"))
    compile = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}", "--include_imports"]
    subprocess.run([*compile, f"--descriptor_set_out={compiled}", *sources], check=True)
    assert shipped() == FileDescriptorSet.FromString(compiled.read_bytes()), "run `make proto`"


def test_each_proto_file_has_its_module() -> None:
    assert set(our_files()) == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_the_class_of_each_message(name: str) -> None:
    defined = {message.name for message in our_files()[name].message_type}
    found = {key for key, value in vars(MODULES[name]).items() if hasattr(value, "FromString")}
    assert found == defined
    for each in defined:
        assert getattr(MODULES[name], each).DESCRIPTOR.name == each


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_each_method_of_its_service(name: str) -> None:
    services = our_files()[name].service
    defined = [f"{service.name}.{method.name}" for service in services for method in service.method]
    found = [str(value) for value in vars(MODULES[name]).values() if isinstance(value, Method)]
    assert found == [each.partition(".")[2] for each in defined]


def test_a_zero_that_is_chosen_is_written() -> None:
    assert streams.ReadResponse(first_stream_position=0).SerializeToString() == b"\x28\x00"
    assert streams.ReadResponse.FromString(b"\x28\x00").WhichOneof("content") == "first_stream_position"
    assert streams_v2.AppendSessionResponse(position=0).SerializeToString() == b"\x10\x00"
    assert not streams_v2.AppendSessionResponse().HasField("position")


def test_an_unknown_number_of_an_enum_is_kept() -> None:
    assert gossip.MemberInfo.FromString(b"\x18\x63").state == 99
    assert persistent_subscriptions.ReadRequest(nack={"action": 9}).SerializeToString() == b"\x1a\x02\x18\x09"


def test_an_unknown_field_is_ignored() -> None:
    assert operations.SetNodePriorityRequest.FromString(b"\x08\x05\xf8\x07\x05").priority == 5


def test_responses_with_events_parse_as_one_message() -> None:
    numbers = [5, 6, 7]
    responses = [
        streams.ReadResponse(event={"event": {"stream_revision": number}}).SerializeToString() for number in numbers
    ]
    events = streams.ReadEvents.FromString(b"".join(responses)).events
    assert [each.event.stream_revision for each in events] == numbers


def test_deliveries_parse_as_one_message() -> None:
    counts = [0, 1, 2]
    responses = [
        persistent_subscriptions.ReadResponse(event={"retry_count": count}).SerializeToString() for count in counts
    ]
    events = persistent_subscriptions.DeliveredEvents.FromString(b"".join(responses)).events
    assert [each.retry_count for each in events] == counts


ANOTHER_COPY = """
from google.protobuf import descriptor_pb2, descriptor_pool

for name in ("grpc/streams.proto", "grpc/shared.proto"):
    file = descriptor_pb2.FileDescriptorProto(name=name, package="rxpump.grpc.streams", syntax="proto3")
    message = file.message_type.add(name="ReadEvent" if "streams" in name else "Uuid")
    message.field.add(name="another", number=1, type=5, label=1)
    descriptor_pool.Default().Add(file)

from rxpump.grpc.messages import streams

assert [field.name for field in streams.ReadEvent.DESCRIPTOR.fields][:2] == ["event", "link"]
assert streams.ReadEvent.FromString(streams.ReadEvent(commit_position=5).SerializeToString()).commit_position == 5
other = descriptor_pool.Default().FindMessageTypeByName("rxpump.grpc.streams.ReadEvent")
assert [field.name for field in other.fields] == ["another"]
"""


def test_messages_of_the_same_names_do_not_clash() -> None:
    """Another library has loaded its messages into the pool that all libraries share."""
    subprocess.run([sys.executable, "-W", "error", "-c", ANOTHER_COPY], check=True, timeout=120)


def test_the_shared_pool_has_none_of_the_messages() -> None:
    pool = schema.message_class("streams.ReadEvent").DESCRIPTOR.file.pool
    assert pool is not descriptor_pb2.DESCRIPTOR.pool
    with pytest.raises(KeyError):
        descriptor_pb2.DESCRIPTOR.pool.FindMessageTypeByName("rxpump.grpc.streams.ReadEvent")
