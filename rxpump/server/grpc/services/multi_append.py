"""StreamsService.AppendSession and AppendRecords: append to several streams (docs/protocol/grpc.md, section 5.12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rxpump.grpc.messages.streams_v2 import AppendRecordsResponse, AppendSessionResponse
from rxpump.model.positions import ExpectedVersion
from rxpump.model.system_names import ALL_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed
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
from rxpump.server.grpc.services.records import Fault, event_of, record_bytes, record_faults, stream_faults
from rxpump.server.membership import Demand, Refusal, refusal
from rxpump.server.store.changes import REPEATED_POSITION, NotCommitted
from rxpump.server.store.located_pages import located_position
from rxpump.server.store.multi_append import (
    SOFT_DELETED,
    TOMBSTONED,
    Check,
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
    "Expected state must be positive or one of the allowed constants: NoStream (-1), Exists (-4), Deleted (-5) or"
    " Tombstoned (-6)."
)


async def append_session(call: Call) -> None:
    """Answer an AppendSession when it is committed: one request for each stream."""
    _check_leadership(call)
    records = _Records(call)
    expected: dict[str, int] = {}
    names: set[str] = set()
    while (request := await call.next_message()) is not None:
        _check_request(request)
        stream = request.stream
        if stream.casefold() in names:
            raise stream_twice(stream)
        names.add(stream.casefold())
        if request.HasField("expected_revision"):
            expected[stream] = request.expected_revision
        for record in request.records:
            records.add(stream, record)
    if not names:
        raise no_requests()
    outcome = await _append(call, MultiAppendRequest(records.found, expected, (), call.node.strictness))
    if isinstance(outcome, Violated):
        raise _conflict(outcome.violations[0], expected)
    output = [{"stream": name, "stream_revision": last} for name, last in outcome.last.items()]
    call.reply(AppendSessionResponse(output=output, position=_position(call, outcome)))


async def append_records(call: Call) -> None:
    """Answer an AppendRecords when it is committed: records of any streams, in the order of the log."""
    _check_leadership(call)
    request = await call.request()
    if not request.records:
        raise bad_request("AppendRecordsRequest", [("Records", "Append request must contain at least one record")])
    if any(not record.stream for record in request.records):
        raise handler_failed("Each record must name its stream.")
    faults = [fault for record in request.records for fault in record_faults(record)]
    checks, faults_of_checks = _checks(request.checks)
    if faults or faults_of_checks:
        raise bad_request("AppendRecordsRequest", [*faults, *faults_of_checks])
    for check in checks:
        _check_access(call, Permission.READ, check.stream)
    records = _Records(call)
    for record in request.records:
        records.add(record.stream, record)
    outcome = await _append(call, MultiAppendRequest(records.found, {}, checks, call.node.strictness))
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
        self._allowed: set[str] = set()

    def add(self, stream: str, record: Any) -> None:
        """Add a record.

        Raises:
            CallError: The user may not write to the stream, or the records are too large.
        """
        if stream not in self._allowed:
            _check_access(self._call, Permission.WRITE, stream)
            self._allowed.add(stream)
        event = event_of(record, stream)
        self._size += record_bytes(record)
        if self._size > MAX_APPEND_BYTES:
            raise transaction_too_large(self._size, MAX_APPEND_BYTES)
        self._call.keep(event_bytes(event))
        self.found.append((stream, event))


def _check_request(request: Any) -> None:
    faults: list[Fault] = list(stream_faults(request.stream))
    if not request.records:
        faults.append(("Records", "Stream append request must contain at least one record"))
    if request.expected_revision < 0 and request.expected_revision not in _EXPECTED:
        faults.append(("ExpectedRevision", _BAD_REVISION))
    faults += (fault for record in request.records for fault in record_faults(record))
    if faults:
        raise bad_request("AppendRequest", faults)


def _checks(messages: Iterable[Any]) -> tuple[Sequence[Check], Sequence[Fault]]:
    """Return the checks of a request, and the faults that were found in them."""
    checks: list[Check] = []
    faults: list[Fault] = []
    for index, message in enumerate(messages):
        state = message.stream_state
        field = f"Checks[{index}].StreamState"
        if not state.stream or state.stream == ALL_STREAM:
            faults.append((f"{field}.Stream", "Stream must be the name of one stream."))
        if state.stream in {check.stream for check in checks}:
            faults.append((f"{field}.Stream", f"Stream '{state.stream}' must have at most one check."))
        if state.expected_state < 0 and state.expected_state not in _STATES:
            faults.append((f"{field}.ExpectedState", _BAD_STATE))
        checks.append(Check(state.stream, state.expected_state))
    return checks, faults


def _check_leadership(call: Call) -> None:
    why = refusal(call.node.membership, Demand.WRITE, requires_leader=True)
    leader = call.node.membership.leader
    if why is None:
        return
    if why is Refusal.NOT_READY or leader is None:
        raise server_not_ready()
    raise not_leader_node(leader.addresses.host or call.local_address, leader.addresses.http_port)


def _check_access(call: Call, permission: Permission, stream: str) -> None:
    if not call.node.access.may(call.user, permission, stream):
        raise access_denied_to(permission.name.lower(), call.user.login)


async def _append(call: Call, request: MultiAppendRequest) -> MultiAppendResult:
    outcome = await call.node.store.append(request)
    if isinstance(outcome, NotCommitted):
        raise append_failed(outcome)
    return outcome


def _conflict(violation: Violation, expected: Mapping[str, int]) -> Exception:
    if violation.actual == TOMBSTONED:
        return stream_tombstoned(violation.stream)
    return revision_conflict(violation.stream, expected.get(violation.stream), violation.last)


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
