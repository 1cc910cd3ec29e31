"""StreamsService.AppendSession and AppendRecords: append to several streams (docs/protocol/grpc.md, section 5.12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final

from rxpump.grpc.messages.streams_v2 import AppendRecordsResponse, AppendSessionResponse
from rxpump.model.positions import ExpectedVersion
from rxpump.server.access.access import Permission
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, handler_failed
from rxpump.server.grpc.detailed_errors import (
    access_denied_to,
    append_failed,
    bad_request,
    consistency_violated,
    no_requests,
    not_leader_node,
    revision_conflict,
    server_not_ready,
    stream_tombstoned,
    stream_twice,
    transaction_too_large,
)
from rxpump.server.grpc.services.proposed_events import MAX_APPEND_BYTES, event_bytes
from rxpump.server.grpc.services.records import (
    Fault,
    event_of,
    ignoring_case,
    record_bytes,
    record_faults,
    stream_faults,
)
from rxpump.server.membership import Demand, Refusal, refusal
from rxpump.server.store.changes import REPEATED_POSITION, NotCommitted
from rxpump.server.store.located_pages import located_position
from rxpump.server.store.multi_append import (
    SOFT_DELETED,
    TOMBSTONED,
    MultiAppended,
    MultiAppendRequest,
    MultiAppendResult,
    Violated,
    Violation,
)
from rxpump.server.store.new_event import NewEvent

_EXPECTED: Final = (ExpectedVersion.NO_STREAM, ExpectedVersion.ANY, ExpectedVersion.STREAM_EXISTS)
_STATES: Final = (ExpectedVersion.NO_STREAM, ExpectedVersion.STREAM_EXISTS, SOFT_DELETED, TOMBSTONED)
_BAD_REVISION: Final = (
    "Expected revision must be positive or one of the allowed constants: NoStream (-1), Any (-2) or Exists (-4)."
)
_BAD_STATE: Final = (
    "Expected state must be positive or one of the allowed constants: NoStream (-1), Exists (-4), Deleted (-5), or"
    " Tombstoned (-6). Any (-2) is not allowed."
)


async def append_session(call: Call) -> None:
    """Answer an AppendSession when it is committed: one request for each stream."""
    records = _Records(call)
    expected: dict[str, int] = {}
    named: set[str] = set()
    names: set[str] = set()
    while (request := await call.next_message()) is not None:
        _check_request(request)
        stream = request.stream
        _check_access(call, Permission.WRITE, stream)
        if ignoring_case(stream) in names:
            raise stream_twice(stream)
        names.add(ignoring_case(stream))
        expected[stream] = request.expected_revision if request.HasField("expected_revision") else ExpectedVersion.ANY
        if request.HasField("expected_revision"):
            named.add(stream)
        for record in request.records:
            records.add(stream, record)
    if not names:
        raise no_requests()
    outcome = await _append(call, MultiAppendRequest(records.found, expected, call.node.strictness))
    if isinstance(outcome, Violated):
        raise _conflict(outcome.violations, named)
    output = [{"stream": name, "stream_revision": last} for name, last in outcome.last.items()]
    call.reply(AppendSessionResponse(output=output, position=_position(call, outcome)))


async def append_records(call: Call) -> None:
    """Answer an AppendRecords when it is committed: records of any streams, in the order of the log.

    As on a real server, names that differ only in upper and lower case are those of one stream: the first of them.
    """
    request = await call.request()
    _check_records_request(request)
    expected = {check.stream_state.stream: check.stream_state.expected_state for check in request.checks}
    names = {ignoring_case(stream): stream for stream in expected}
    records = _Records(call)
    for record in request.records:
        stream = names.setdefault(ignoring_case(record.stream), record.stream)
        records.add(stream, record)
        expected.setdefault(stream, ExpectedVersion.ANY)
    if "" in expected:
        raise handler_failed("Each record must name its stream.")
    written = dict.fromkeys(stream for stream, _ in records.found)
    for stream in {**written, **expected}:
        _check_access(call, Permission.WRITE if stream in written else Permission.READ, stream)
    outcome = await _append(call, MultiAppendRequest(records.found, expected, call.node.strictness))
    if isinstance(outcome, Violated):
        raise consistency_violated(outcome.violations)
    revisions = [{"stream": name, "revision": last} for name, last in outcome.last.items()]
    call.reply(AppendRecordsResponse(revisions=revisions, position=_position(call, outcome)))


class _Records:
    """Collector of the records of a call, as events with their streams."""

    def __init__(self, call: Call) -> None:
        self.found: list[tuple[str, NewEvent]] = []
        self._call = call
        self._size = 0

    def add(self, stream: str, record: Any) -> None:
        """Add a record.

        Raises:
            CallError: The record is malformed, or the records are too large.
        """
        if not record.HasField("schema"):
            raise handler_failed("Each record must have a schema.")
        faults = list(record_faults(record))
        if faults:
            raise bad_request("AppendRequest", faults)
        event = event_of(record, stream)
        self._size += record_bytes(record)
        if self._size > MAX_APPEND_BYTES:
            raise transaction_too_large(self._size, MAX_APPEND_BYTES, len(self.found) + 1)
        self._call.keep(event_bytes(event))
        self.found.append((stream, event))


def _check_request(request: Any) -> None:
    faults: list[Fault] = list(stream_faults("Stream", request.stream))
    if request.expected_revision < 0 and request.expected_revision not in _EXPECTED:
        faults.append(("ExpectedRevision", _BAD_REVISION))
    if not request.records:
        faults.append(("Records", "Stream append request must contain at least one record"))
    if faults:
        raise bad_request("AppendRequest", faults)


def _check_records_request(request: Any) -> None:
    faults: list[Fault] = []
    if not request.records:
        faults.append(("Records", "Append records request must contain at least one record."))
    names: set[str] = set()
    for index, check in enumerate(request.checks):
        if not check.HasField("stream_state"):
            faults.append((f"Checks[{index}].TypeCase", "Each consistency check must specify a type."))
            continue
        state, field = check.stream_state, f"Checks[{index}].StreamState"
        faults += stream_faults(f"{field}.Stream", state.stream)
        if state.expected_state < 0 and state.expected_state not in _STATES:
            faults.append((f"{field}.ExpectedState", _BAD_STATE))
        names.add(ignoring_case(state.stream))
    if len(names) < sum(check.HasField("stream_state") for check in request.checks):
        faults.append(("Checks", "Each stream can only appear once in consistency checks."))
    if faults:
        raise bad_request("AppendRecordsRequest", faults)


def _check_leadership(call: Call) -> None:
    why = refusal(call.node.membership, Demand.WRITE, requires_leader=True)
    leader = call.node.membership.leader
    if why is None:
        return
    if why is Refusal.NOT_READY or leader is None:
        raise server_not_ready()
    host = leader.addresses.host or call.local_address
    raise not_leader_node(host, leader.addresses.http_port, leader.instance_id)


def _check_access(call: Call, permission: Permission, stream: str) -> None:
    if not call.node.access.may(call.user, permission, stream):
        raise access_denied_to(f"streams:{permission.name}:{stream}".lower(), call.user.login)


async def _append(call: Call, request: MultiAppendRequest) -> MultiAppendResult:
    _check_leadership(call)
    outcome = await call.node.store.append(request)
    if isinstance(outcome, NotCommitted):
        raise append_failed(outcome, call.method)
    return outcome


def _conflict(violations: Sequence[Violation], named: Set[str]) -> CallError:
    """Return the error of a session, which names only the first stream.

    Args:
        violations: The violations.
        named: Streams whose expected revision is in the request.
    """
    first = violations[0]
    if any(each.actual in (TOMBSTONED, SOFT_DELETED) for each in violations):
        return stream_tombstoned(first.stream)
    return revision_conflict(first.stream, first.expected if first.stream in named else None, first.actual)


def _position(call: Call, outcome: MultiAppended) -> int:
    """Return the position of the last event, even if all events were there already."""
    if outcome.position != REPEATED_POSITION:
        return outcome.position
    return max(_stored_positions(call, outcome.last), default=REPEATED_POSITION)


def _stored_positions(call: Call, last: Mapping[str, int]) -> Iterable[int]:
    for name, number in last.items():
        found = located_position(call.node.store.read, name, number)
        if found is not None:
            yield found
