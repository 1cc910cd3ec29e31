from __future__ import annotations

import pytest

from rxpump.grpc.messages import persistent_subscriptions, projections, server_features, streams, streams_v2
from rxpump.grpc.messages.methods import Method, MethodKind, ServerVersion
from rxpump.grpc.messages.table import METHODS


@pytest.mark.parametrize(
    ("method", "path", "kind", "request_name", "response_name"),
    [
        (
            streams.READ,
            "/event_store.client.streams.Streams/Read",
            MethodKind.SERVER_STREAM,
            "ReadRequest",
            "ReadResponse",
        ),
        (
            streams.APPEND,
            "/event_store.client.streams.Streams/Append",
            MethodKind.CLIENT_STREAM,
            "AppendRequest",
            "AppendResponse",
        ),
        (
            streams.BATCH_APPEND,
            "/event_store.client.streams.Streams/BatchAppend",
            MethodKind.DUPLEX,
            "BatchAppendRequest",
            "BatchAppendResponse",
        ),
        (
            persistent_subscriptions.RESTART_SUBSYSTEM,
            "/event_store.client.persistent_subscriptions.PersistentSubscriptions/RestartSubsystem",
            MethodKind.UNARY,
            "Empty",
            "Empty",
        ),
        (
            streams_v2.APPEND_RECORDS,
            "/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords",
            MethodKind.UNARY,
            "AppendRecordsRequest",
            "AppendRecordsResponse",
        ),
    ],
)
def test_a_method_has_the_path_kind_and_messages(
    method: Method, path: str, kind: MethodKind, request_name: str, response_name: str
) -> None:
    assert (method.path, method.kind) == (path, kind)
    assert (method.request.DESCRIPTOR.name, method.response.DESCRIPTOR.name) == (request_name, response_name)


def test_the_table_finds_a_method_by_its_path() -> None:
    assert METHODS["/event_store.client.streams.Streams/Read"] is streams.READ
    assert {method.path for method in METHODS.values()} == set(METHODS)


@pytest.mark.parametrize(
    ("method", "since"),
    [
        (streams.READ, "20.6.0"),
        (streams.BATCH_APPEND, "21.6.0"),
        (server_features.GET_SUPPORTED_METHODS, "21.10.0"),
        (persistent_subscriptions.LIST, "21.10.1"),
        (streams_v2.APPEND_SESSION, "25.1.0"),
        (streams_v2.APPEND_RECORDS, "26.0.3"),
        (persistent_subscriptions.TRUNCATE_PARKED, "26.2.0"),
    ],
)
def test_a_method_names_the_first_version_that_has_it(method: Method, since: str) -> None:
    assert str(method.since) == since


def test_versions_are_ordered_by_their_numbers() -> None:
    assert ServerVersion(20, 6) < ServerVersion(21, 10, 1) < ServerVersion(21, 10, 3) < ServerVersion(23, 10)


def test_a_feature_is_the_path_in_lower_case() -> None:
    assert streams.BATCH_APPEND.feature == ("event_store.client.streams.streams", "batchappend")


def test_a_method_shows_its_name() -> None:
    assert str(projections.RESTART_SUBSYSTEM) == "RestartSubsystem"
