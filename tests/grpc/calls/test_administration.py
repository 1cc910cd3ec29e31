"""Requests about scavenges, statistics, the methods of the server, and secondary indexes."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import ScavengeInProgress, UnexpectedReply
from rxpump.grpc.calls import indexes, monitoring
from rxpump.grpc.calls.scavenge import start_scavenge, stop_scavenge
from rxpump.grpc.calls.server_info import get_server_info
from rxpump.grpc.messages import indexes_v2, operations
from rxpump.grpc.messages import monitoring as statistics
from rxpump.model.indexes import IndexDetails, IndexField, IndexFieldType, IndexState
from rxpump.model.results import ScavengeResult
from tests.grpc.calls.asked import answer, is_recorded, recorded_responses
from tests.grpc.messages import recorded

ID = "97e41bad-00be-4ae4-ae29-fcb69f6118e6"


def scavenge_response(result: int) -> Any:
    return operations.ScavengeResponse(scavenge_id=ID, scavenge_result=result)


def test_a_scavenge_has_an_id() -> None:
    assert answer(start_scavenge(), scavenge_response(0)) == ScavengeResult(ID)
    assert answer(stop_scavenge(ID), scavenge_response(2)) == ScavengeResult(ID)


def test_a_second_scavenge_is_refused() -> None:
    with pytest.raises(ScavengeInProgress, match=f"scavenge {ID} is running"):
        answer(start_scavenge(), scavenge_response(1))


def test_another_result_of_a_scavenge_is_unexpected() -> None:
    with pytest.raises(UnexpectedReply):
        answer(start_scavenge(), scavenge_response(2))
    with pytest.raises(UnexpectedReply):
        answer(stop_scavenge(ID), scavenge_response(1))


def test_other_clients_scavenge_with_the_same_message() -> None:
    assert is_recorded(start_scavenge())
    assert is_recorded(stop_scavenge("x"))


def test_real_servers_answer_scavenges() -> None:
    started, running = recorded_responses(start_scavenge())
    assert answer(start_scavenge(), started) == ScavengeResult(started.scavenge_id)
    with pytest.raises(ScavengeInProgress):
        answer(start_scavenge(), running)


def test_statistics_are_texts_by_name() -> None:
    (response,) = [each for each in recorded.load() if each.method == statistics.STATS and not each.from_client]
    found = monitoring.statistics(statistics.StatsResponse.FromString(response.data))
    assert found["proc-tcp-pendingSend"] == "0"


def test_the_period_of_statistics_is_not_zero() -> None:
    assert monitoring.stats_request().refresh_time_period_in_ms > 0


def test_the_methods_of_a_server_are_read() -> None:
    old, _, new = recorded_responses(get_server_info())
    before, after = answer(get_server_info(), old), answer(get_server_info(), new)
    assert (before.version, after.version) == ("23.10.6", "26.1.0")
    streams = "event_store.client.streams.streams"
    assert {f"{streams}/batchappend", f"{streams}/batchappend/deadline_duration"} <= before.features
    assert "kurrentdb.protocol.v2.streams.streamsservice/appendrecords" in after.features - before.features


def test_an_index_is_described() -> None:
    fields = [IndexField("color", "e => e.data.color", IndexFieldType.STRING)]
    operation = indexes.create_index("by-color", "e => true", fields, is_started=False)
    (request,) = operation.requests
    assert request == indexes_v2.CreateRequest(
        name="by-color",
        filter="e => true",
        fields=[{"name": "color", "selector": "e => e.data.color", "type": 1}],
        start=False,
    )
    index = {"name": "by-color", "filter": "e => true", "fields": request.fields, "state": 2}
    details = IndexDetails("by-color", "e => true", tuple(fields), IndexState.STOPPED)
    assert answer(indexes.get_index("by-color"), indexes_v2.GetResponse(index=index)) == details
    assert answer(indexes.list_indexes(), indexes_v2.ListResponse(indexes=[index])) == [details]


def test_a_field_can_be_optimized_for_lookups() -> None:
    fields = [
        IndexField("color", "e => e.data.color", IndexFieldType.STRING, optimizes_lookups=True),
        IndexField("size", "e => e.data.size", IndexFieldType.INT32),
    ]
    operation = indexes.create_index("by-color", "", fields, is_started=True)
    (request,) = operation.requests
    assert [each.HasField("optimize_lookups") for each in request.fields] == [True, False]
    assert operation.context.option == indexes.OPTIMIZED_LOOKUPS
    index = {"name": "by-color", "fields": request.fields, "state": 1}
    assert answer(indexes.get_index("by-color"), indexes_v2.GetResponse(index=index)).fields == tuple(fields)
    assert indexes.create_index("by-size", "", fields[1:], is_started=True).context.option is None


@pytest.mark.parametrize(
    ("operation", "method"),
    [
        (indexes.start_index("by-color"), indexes_v2.START),
        (indexes.stop_index("by-color"), indexes_v2.STOP),
        (indexes.delete_index("by-color"), indexes_v2.DELETE),
    ],
)
def test_an_index_is_started_stopped_and_deleted(operation: Any, method: Any) -> None:
    assert operation.context.method == method
    assert operation.requests == (indexes_v2.NameRequest(name="by-color"),)
    assert operation.context.name == "by-color"
    assert answer(operation, method.response()) is None


@pytest.mark.parametrize("index", [{"state": 9}, {"state": 0}, {"state": 1, "fields": [{"type": 3}]}])
def test_an_index_of_an_unknown_kind_is_unexpected(index: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedReply, match="unknown type or state"):
        answer(indexes.get_index("by-color"), indexes_v2.GetResponse(index=index))
