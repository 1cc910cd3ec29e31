"""Requests that manage projections."""

from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from rxpump.errors import ProjectionNotFound, UnexpectedReply
from rxpump.grpc.calls import projections as calls
from rxpump.grpc.messages import projections
from rxpump.model.projections import ProjectionMode, ProjectionStatistics
from tests.grpc.calls.asked import answer, is_recorded, recorded_responses

QUERY = (
    "fromStream('nproj').when({$init: function(){return {n: 0}}, "
    "happened: function(s, e){s.n += 1; return s}}).outputState()"
)


def create(mode: ProjectionMode, *, can_emit: bool = False, tracks_emitted: bool = False) -> Any:
    operation = calls.create_projection("np", QUERY, mode, can_emit=can_emit, tracks_emitted=tracks_emitted)
    (request,) = operation.requests
    return request.options


@pytest.mark.parametrize(
    ("mode", "fields"),
    [
        (ProjectionMode.ONE_TIME, {"one_time": {}}),
        (ProjectionMode.TRANSIENT, {"transient": {"name": "np"}}),
        (ProjectionMode.CONTINUOUS, {"continuous": {"name": "np", "emit_enabled": True}}),
    ],
)
def test_a_projection_has_a_mode(mode: ProjectionMode, fields: dict[str, Any]) -> None:
    assert create(mode, can_emit=True) == projections.CreateRequest.Options(query=QUERY, **fields)


def test_a_projection_has_an_engine_version() -> None:
    operation = calls.create_projection("np", QUERY, ProjectionMode.CONTINUOUS, engine_version=2)
    (request,) = operation.requests
    assert request.options.engine_version == 2
    assert (operation.context.option, operation.context.name) == (calls.ENGINE_VERSION, "np")


def test_other_clients_send_the_same_messages() -> None:
    continuous = ProjectionMode.CONTINUOUS
    assert is_recorded(calls.create_projection("np", QUERY, continuous, can_emit=True, tracks_emitted=True))
    assert is_recorded(calls.update_projection("np", QUERY, can_emit=False))
    assert is_recorded(
        calls.delete_projection("np", emitted_streams=True, state_stream=False, checkpoint_stream=False)
    )
    assert is_recorded(calls.enable_projection("np"))
    assert is_recorded(calls.disable_projection("np"))
    assert is_recorded(calls.abort_projection("p"))
    assert is_recorded(calls.reset_projection("kp"))
    assert is_recorded(calls.projection_state("p", ""))
    assert is_recorded(calls.projection_result("np", ""))
    assert is_recorded(calls.all_statistics(None))
    assert is_recorded(calls.all_statistics(continuous))
    assert is_recorded(calls.projection_statistics("x"))
    assert is_recorded(calls.restart_projections())


def test_an_update_can_keep_the_permission_to_emit() -> None:
    (request,) = calls.update_projection("np", QUERY, can_emit=None).requests
    assert request.options.WhichOneof("emit_option") == "no_emit_options"


def test_a_deletion_chooses_its_streams() -> None:
    operation = calls.delete_projection("np", emitted_streams=False, state_stream=True, checkpoint_stream=True)
    (request,) = operation.requests
    assert not request.options.delete_emitted_streams
    assert request.options.delete_state_stream
    assert request.options.delete_checkpoint_stream


@pytest.mark.parametrize(("call", "field"), [(calls.projection_state, "state"), (calls.projection_result, "result")])
def test_a_state_is_a_json_value(call: Any, field: str) -> None:
    operation = call("np", "part")
    (request,) = operation.requests
    assert request.options.partition == "part"
    value = {"n": 3, "share": 0.5, "name": "x", "none": None, "list": [True, 2]}
    state = answer(operation, ParseDict({field: value}, operation.context.method.response()))
    assert state == value
    assert type(state["n"]) is int


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_state_can_hold_numbers_that_json_lacks(number: float) -> None:
    found = answer(calls.projection_state("np", ""), projections.StateResponse(state={"number_value": number}))
    assert str(found) == str(number)


def test_a_state_without_a_value_is_none() -> None:
    assert answer(calls.projection_state("np", ""), projections.StateResponse()) is None


def test_recorded_states_are_read() -> None:
    for operation in (calls.projection_state("np", ""), calls.projection_result("np", "")):
        (response,) = recorded_responses(operation)
        assert answer(operation, response) == {"n": 3}


def test_recorded_statistics_are_read() -> None:
    operation = calls.all_statistics(None)
    first, *others = answer(operation, *recorded_responses(operation))
    assert first == ProjectionStatistics(
        name="np",
        mode=ProjectionMode.CONTINUOUS,
        status="Running",
        progress=100.0,
        position="nproj: 2",
        last_checkpoint="nproj: -1",
        epoch=-1,
        effective_name="np",
        processed_after_restart=3,
        processing_time=23,
        partitions_cached=1,
    )
    assert [each.name for each in others] == ["$streams", "$streams"]
    (response, *_) = recorded_responses(operation)
    assert answer(calls.projection_statistics("np"), response) == first


def test_a_projection_without_statistics_does_not_exist() -> None:
    with pytest.raises(ProjectionNotFound):
        answer(calls.projection_statistics("np"))


def test_an_unknown_mode_is_unexpected() -> None:
    response = projections.StatisticsResponse(details={"mode": "Sometimes"})
    with pytest.raises(UnexpectedReply, match="is a projection of the unknown mode 'Sometimes',"):
        answer(calls.projection_statistics("np"), response)
