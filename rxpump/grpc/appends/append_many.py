"""Append to several streams atomically, by AppendRecords or, on servers before version 26.1, by AppendSession."""

from __future__ import annotations

from collections.abc import Mapping

from rxpump.errors import NotSupported
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls.append_many import Events, append_records, append_session
from rxpump.model.results import WriteResult


async def append_many(
    caller: Caller, events: Events, expected_versions: Mapping[str, int]
) -> Mapping[str, WriteResult]:
    """Append events to several streams; arguments and errors as in `Transport.append_many`.

    AppendRecords can also check the versions of streams without new events, and its error names each stream that is
    at another version.
    """
    try:
        return await caller.request(append_records(events, expected_versions))
    except NotSupported:
        if expected_versions.keys() - events.keys():
            raise
        return await caller.request(append_session(events, expected_versions))
