"""Every combination of the options of a read: which are served, and the error of all others."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.call_status import StatusCode
from tests.server.grpc.caller import Caller, event, kinds

Fields = dict[str, Any]

SOURCES: dict[str, Fields] = {
    "Stream": {"stream": {"stream_identifier": {"stream_name": b"s"}, "start": {}}},
    "All": {"all": {"start": {}}},
}
AMOUNTS: dict[str, Fields] = {"Count": {"count": 10}, "Subscription": {"subscription": {}}, "None": {}}
DIRECTIONS: dict[str, Fields] = {"Forwards": {}, "Backwards": {"read_direction": 1}, "2": {"read_direction": 2}}
FILTERS: dict[str, Fields] = {
    "NoFilter": {"no_filter": {}},
    "Filter": {
        "filter": {"event_type": {"prefix": ["t"]}, "count": {}, "checkpoint_interval_multiplier": 1},
    },
    "None": {},
}
COMBINATIONS = list(product(SOURCES, AMOUNTS, DIRECTIONS, FILTERS))
SERVED = {
    *product(SOURCES, ["Count"], ["Forwards", "Backwards"], ["NoFilter"]),
    *product(["All"], ["Count"], ["Forwards", "Backwards"], ["Filter"]),
    *product(SOURCES, ["Subscription"], ["Forwards"], ["NoFilter"]),
    ("All", "Subscription", "Forwards", "Filter"),
}


@pytest.mark.parametrize("names", COMBINATIONS, ids="-".join)
async def test_a_combination_is_served_or_refused(caller: Caller, names: tuple[str, str, str, str]) -> None:
    source, amount, direction, filtering = names
    options = {**SOURCES[source], **AMOUNTS[amount], **DIRECTIONS[direction], **FILTERS[filtering]}
    await caller.append("s", event())
    call = await caller.begin(streams.READ, streams.ReadRequest(options={**options, "uuid_option": {"string": {}}}))
    if names not in SERVED:
        answer = await call.end()
        assert (answer.code, answer.messages) == (StatusCode.INVALID_ARGUMENT, [])
        assert answer.status.message == f"The combination of ({', '.join(names)}) is invalid."
    elif amount == "Subscription":
        assert kinds(await call.take(2)) == ["confirmation", "event"]
        call.cancel()
    else:
        answer = await call.end()
        is_at_event = source == "Stream" or direction == "Forwards"  # Nothing precedes the start of the log.
        assert (answer.code, kinds(answer.messages)) == (StatusCode.OK, ["event"] if is_at_event else [])
