from __future__ import annotations

import pytest
import reactivex

from rxpump import operators as ops
from rxpump.errors import NotJson
from rxpump.model.events import Event
from tests.operators.events import broken_link, event
from tests.operators.marbles import marbles_testing

NAMES = {"a": event(data={"m": 1}), "b": event(data=[None, "é"]), "c": event(data=7)}
DECODED = {"a": {"m": 1}, "b": [None, "é"], "c": 7}


@pytest.mark.parametrize("marbles", ["-a-b-c-|", "|", "-a-#", "-a-b-"])
def test_each_event_becomes_its_decoded_data(marbles: str) -> None:
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold(marbles, NAMES).pipe(ops.json())) == exp(marbles, DECODED)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event(data=b"\xff\xfe\xfd", stream="ponies", number=7), "7@ponies"),
        (event(data=b"{'m': 1}"), "double quotes"),
        (event(data=b""), "Expecting value"),
        (broken_link(), "target of the link does not exist"),
    ],
)
def test_data_that_is_not_json_is_an_error_with_place_and_reason(bad: Event, reason: str) -> None:
    decoded: list[object] = []
    errors: list[Exception] = []
    reactivex.of(NAMES["a"], bad, NAMES["b"]).pipe(ops.json()).subscribe(decoded.append, errors.append)
    assert decoded == [{"m": 1}], "only the events before it are delivered"
    (error,) = errors
    assert isinstance(error, NotJson)
    assert error.stream == bad.stream
    assert reason in str(error)
