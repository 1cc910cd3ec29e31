"""The messages of kurrentdbclient can be loaded in the same process, and have the same field numbers and types."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor

from rxpump.grpc.messages.table import METHODS

pytestmark = pytest.mark.skipif(find_spec("kurrentdbclient") is None, reason="kurrentdbclient is not installed here")

MODULES = {
    "kurrentdbclient.protos.v1.gossip_pb2": "event_store.client.gossip.Gossip",
    "kurrentdbclient.protos.v1.persistent_pb2": (
        "event_store.client.persistent_subscriptions.PersistentSubscriptions"
    ),
    "kurrentdbclient.protos.v1.projections_pb2": "event_store.client.projections.Projections",
    "kurrentdbclient.protos.v1.streams_pb2": "event_store.client.streams.Streams",
    "kurrentdbclient.protos.v2.streams.streams_pb2": "kurrentdb.protocol.v2.streams.StreamsService",
}
SINGULAR_DETAILS = "kurrentdbclient.status.Status/3: repeated"
"""The one known difference: their Status of BatchAppend has one detail, ours can have several, as in v2 services."""

LOADED_TOGETHER = """
import {first}
import {second}
from kurrentdbclient.protos.v1 import streams_pb2
from rxpump.grpc.messages import streams

theirs = streams_pb2.ReadResp(last_stream_position=7).SerializeToString()
assert streams.ReadResponse.FromString(theirs).last_stream_position == 7
"""


def differences(ours: Descriptor, theirs: Descriptor, seen: set[tuple[str, str]]) -> Iterator[str]:
    """Return the fields of the other schema that our schema lacks or describes differently."""
    if (ours.full_name, theirs.full_name) in seen:
        return
    seen.add((ours.full_name, theirs.full_name))
    for number, field in theirs.fields_by_number.items():
        title = f"{theirs.full_name}/{number}"
        found = ours.fields_by_number.get(number)
        if found is None:
            yield f"{title}: missing"
            continue
        if wire_type(found) != wire_type(field):
            yield f"{title}: type"
        if is_repeated(found) != is_repeated(field):
            yield f"{title}: repeated"
        if field.message_type is not None and found.message_type is not None:
            yield from differences(found.message_type, field.message_type, seen)


def wire_type(field: Any) -> int:
    """Return the type of a field. An enum is encoded as an int32."""
    return int(field.TYPE_INT32 if field.type == field.TYPE_ENUM else field.type)


def is_repeated(field: Any) -> bool:
    repeated = getattr(field, "is_repeated", None)  # not in protobuf 4.25, whose `label` newer ones deprecate
    return bool(field.label == field.LABEL_REPEATED if repeated is None else repeated)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module", MODULES)
def test_its_fields_are_ours(module: str) -> None:
    name = MODULES[module].rpartition(".")[2]
    service = importlib.import_module(module).DESCRIPTOR.services_by_name[name]
    seen: set[tuple[str, str]] = set()
    found: list[str] = []
    for method in service.methods:
        ours = METHODS[f"/{service.full_name}/{method.name}"]
        found += differences(ours.request.DESCRIPTOR, method.input_type, seen)
        found += differences(ours.response.DESCRIPTOR, method.output_type, seen)
    assert set(found) <= {SINGULAR_DETAILS}
    assert len(seen) > 3


@pytest.mark.parametrize(
    ("first", "second"),
    [("rxpump.grpc.messages.table", "kurrentdbclient"), ("kurrentdbclient", "rxpump.grpc.messages.table")],
)
def test_its_messages_and_ours_load_in_one_process(first: str, second: str) -> None:
    program = LOADED_TOGETHER.format(first=first, second=second)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
