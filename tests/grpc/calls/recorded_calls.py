"""Calls from recorded conversations with real servers, converted to operations of rxpump.

tests/data/wire/grpc/calls.jsonl has a line for each call: the requests of another client, the messages and the
trailers of the server, and the result or error that rxpump must report. Of the calls with the same method, kind of
request and outcome, it has the shortest one that rxpump can make.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from rxpump.errors import RxPumpError
from rxpump.grpc.calls import group_info, groups, parked, projections, scavenge, users
from rxpump.grpc.calls.append import append
from rxpump.grpc.calls.append_many import append_session
from rxpump.grpc.calls.delete import delete
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.status_errors import error_of_status
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.grpc.messages import streams, streams_v2
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import StatusCode, status_of_headers
from rxpump.model.filters import EventFilter
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import END, START, ExpectedVersion, Position
from rxpump.model.projections import ProjectionMode
from tests.grpc.messages.recorded import FILE as MESSAGES

_STRATEGIES = ("DispatchToSingle", "RoundRobin", "Pinned")

FILE = MESSAGES.parent / "calls.jsonl"


@dataclass(frozen=True)
class RecordedCall:
    """A recorded call.

    Attributes:
        method: Method that was called.
        server: Version of the server.
        case: Name of the conversation.
        requests: Messages of the client.
        responses: Messages of the server.
        trailers: Last headers of the server.
        outcome: Description of the result or error.
    """

    method: Method
    server: str
    case: str
    requests: tuple[bytes, ...]
    responses: tuple[bytes, ...]
    trailers: tuple[tuple[str, str], ...]
    outcome: str = ""

    def operation(self) -> Operation[Any]:
        """Return the operation of rxpump with the same arguments."""
        parsed = [self.method.request.FromString(each) for each in self.requests]
        make = _OPERATIONS[self.method.path.rpartition(".")[2]]
        return make(parsed)

    def outcome_of(self, operation: Operation[Any]) -> str:
        """Return a description of the result or error that an operation returns for the recorded response."""
        context = replace(operation.context, login="ouro")
        fields = dict(self.trailers)
        status = status_of_headers(self.trailers, fields.get(":status", "200"))
        if status.code is not StatusCode.OK:
            return _described(error_of_status(status, context))
        answers = [self.method.response.FromString(each) for each in self.responses]
        try:
            return repr(operation.answer(answers, context))
        except RxPumpError as error:
            return _described(error)

    @classmethod
    def from_json(cls, line: str) -> RecordedCall:
        fields = json.loads(line)
        return cls(
            METHODS[fields["path"]],
            fields["server"],
            fields["case"],
            tuple(map(bytes.fromhex, fields["requests"])),
            tuple(map(bytes.fromhex, fields["responses"])),
            tuple((name, value) for name, value in fields["trailers"]),
            fields["outcome"],
        )

    def to_json(self) -> str:
        return json.dumps(
            {
                "path": self.method.path,
                "server": self.server,
                "case": self.case,
                "requests": [each.hex() for each in self.requests],
                "responses": [each.hex() for each in self.responses],
                "trailers": self.trailers,
                "outcome": self.outcome,
            }
        )


def load(file: Path = FILE) -> list[RecordedCall]:
    return [RecordedCall.from_json(line) for line in file.read_text().splitlines()]


def normalized(method: Method, encoded: bytes) -> Any:
    """Return a request in a form for comparisons: ids in one form, and without differences that have no meaning."""
    message = method.request.FromString(encoded)
    if method == streams.APPEND and message.HasField("proposed_message"):
        event = message.proposed_message
        event.id.string = str(_uuid(event.id))
    # The two fields for servers before version 21.6, which not every client sends.
    if method in (messages.CREATE, messages.UPDATE) and message.options.HasField("stream"):
        message.options.ClearField("stream_identifier")
        message.options.settings.ClearField("revision")
    if method == messages.CREATE:
        settings = message.options.settings
        settings.consumer_strategy = settings.consumer_strategy or _STRATEGIES[settings.named_consumer_strategy]
        settings.named_consumer_strategy = 0
        filter = message.options.all.filter
        for expression in (filter.event_type, filter.stream_identifier):
            if expression.prefix:
                expression.regex = f"^{expression.prefix.pop()}"
    if method == streams_v2.APPEND_SESSION and not message.HasField("expected_revision"):
        message.expected_revision = ExpectedVersion.ANY
    return message


def _described(error: RxPumpError) -> str:
    return f"{type(error).__name__}: {error}"


def _uuid(id: Any) -> UUID:
    if id.HasField("string"):
        return UUID(id.string)
    halves = id.structured
    mask = (1 << 64) - 1
    return UUID(int=(halves.most_significant_bits & mask) << 64 | halves.least_significant_bits & mask)


def _version(options: Any) -> int:
    kind = options.WhichOneof("expected")
    named = {"any": ExpectedVersion.ANY, "no_stream": ExpectedVersion.NO_STREAM}
    return int(options.revision if kind == "revision" else named.get(kind, ExpectedVersion.STREAM_EXISTS))


def _stream(identifier: Any) -> str:
    name: bytes = identifier.stream_name
    return name.decode()


def _event(proposed: Any) -> NewEvent:
    is_json = {"application/json": True, "application/octet-stream": False}[proposed.metadata["content-type"]]
    return NewEvent(
        proposed.metadata["type"],
        proposed.data,
        metadata=proposed.custom_metadata or None,
        id=_uuid(proposed.id),
        is_json=is_json,
    )


def _append(requests: list[Any]) -> Operation[Any]:
    options, *events = requests
    return append(
        _stream(options.options.stream_identifier),
        [_event(each.proposed_message) for each in events],
        _version(options.options),
    )


def _delete(requests: list[Any], *, hard: bool) -> Operation[Any]:
    (request,) = requests
    return delete(_stream(request.options.stream_identifier), _version(request.options), hard=hard)


def _source(options: Any, field: str = "stream_identifier") -> str | None:
    return _stream(getattr(options, field)) if options.HasField(field) else None


def _group(make: Callable[..., Operation[Any]]) -> Callable[[list[Any]], Operation[Any]]:
    return lambda requests: make(_source(requests[0].options), requests[0].options.group_name)


def _place(origin: Any) -> Any:
    match origin.WhichOneof("from"):
        case "revision":
            return origin.revision
        case "position":
            return Position(origin.position.commit_position, origin.position.prepare_position)
        case "start":
            return START
        case "end":
            return END
    raise ValueError("the group has no start")


def _where(filter: Any) -> EventFilter:
    stream, type = filter.stream_identifier, filter.event_type
    return EventFilter(
        type_prefix=type.prefix[0] if type.prefix else None,
        type_regex=type.regex or None,
        stream_prefix=stream.prefix[0] if stream.prefix else None,
        stream_regex=stream.regex or None,
    )


def _settings(options: Any) -> tuple[str | None, PersistentSubscriptionSettings]:
    """Return the stream and the settings of a request in the newer form."""
    origin = options.stream if options.HasField("stream") else options.all
    sent = options.settings
    settings = PersistentSubscriptionSettings(
        resolve_links=sent.resolve_links,
        start_from=_place(origin),
        message_timeout_seconds=sent.message_timeout_ms / 1000,
        record_statistics=sent.extra_statistics,
        live_buffer_size=sent.live_buffer_size,
        read_batch_size=sent.read_batch_size,
        buffer_size=sent.history_buffer_size,
        max_retry_count=sent.max_retry_count,
        checkpoint_after_seconds=sent.checkpoint_after_ms / 1000,
        checkpoint_max_count=sent.max_checkpoint_count,
        checkpoint_min_count=sent.min_checkpoint_count,
        subscriber_max_count=sent.max_subscriber_count,
        strategy=sent.consumer_strategy or _STRATEGIES[sent.named_consumer_strategy],
        where=_where(options.all.filter) if options.all.HasField("filter") else None,
    )
    return (_stream(origin.stream_identifier) if options.HasField("stream") else None), settings


def _change_group(make: Callable[..., Operation[Any]]) -> Callable[[list[Any]], Operation[Any]]:
    def operation(requests: list[Any]) -> Operation[Any]:
        options = requests[0].options
        stream, settings = _settings(options)
        return make(stream, options.group_name, settings)

    return operation


def _replay(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    limit = options.stop_at if options.HasField("stop_at") else None
    return parked.replay_parked(_source(options), options.group_name, limit)


def _list(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    if options.HasField("list_all_subscriptions"):
        return group_info.all_groups()
    return group_info.groups_of(_source(options.list_for_stream, "stream"))


def _login(make: Callable[[str], Operation[Any]]) -> Callable[[list[Any]], Operation[Any]]:
    return lambda requests: make(requests[0].options.login_name)


def _named(make: Callable[[str], Operation[Any]]) -> Callable[[list[Any]], Operation[Any]]:
    return lambda requests: make(requests[0].options.name)


def _details(requests: list[Any]) -> Operation[Any]:
    login = requests[0].options.login_name
    return users.read_user(login) if login else users.read_users()


def _create_user(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    return users.create_user(options.login_name, options.password, options.full_name, options.groups)


def _change_password(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    return users.change_password(options.login_name, options.current_password, options.new_password)


def _create_projection(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    mode = options.continuous
    return projections.create_projection(
        mode.name,
        options.query,
        ProjectionMode.CONTINUOUS,
        can_emit=mode.emit_enabled,
        tracks_emitted=mode.track_emitted_streams,
    )


def _update_projection(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    emit = options.emit_enabled if options.HasField("emit_enabled") else None
    return projections.update_projection(options.name, options.query, can_emit=emit)


def _delete_projection(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    return projections.delete_projection(
        options.name,
        emitted_streams=options.delete_emitted_streams,
        state_stream=options.delete_state_stream,
        checkpoint_stream=options.delete_checkpoint_stream,
    )


def _stop_projection(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    make = projections.disable_projection if options.write_checkpoint else projections.abort_projection
    return make(options.name)


def _partition(make: Callable[[str, str], Operation[Any]]) -> Callable[[list[Any]], Operation[Any]]:
    return lambda requests: make(requests[0].options.name, requests[0].options.partition)


def _statistics(requests: list[Any]) -> Operation[Any]:
    options = requests[0].options
    match options.WhichOneof("mode"):
        case "name":
            return projections.projection_statistics(options.name)
        case "continuous":
            return projections.all_statistics(ProjectionMode.CONTINUOUS)
        case _:
            return projections.all_statistics(None)


def _append_session(requests: list[Any]) -> Operation[Any]:
    events = {
        request.stream: [
            NewEvent(record.schema.name, record.data, id=UUID(record.record_id), is_json=record.schema.format == 1)
            for record in request.records
        ]
        for request in requests
    }
    versions = {each.stream: each.expected_revision for each in requests if each.HasField("expected_revision")}
    return append_session(events, versions)


_OPERATIONS: dict[str, Callable[[list[Any]], Operation[Any]]] = {
    "Streams/Append": _append,
    "Streams/Delete": lambda requests: _delete(requests, hard=False),
    "Streams/Tombstone": lambda requests: _delete(requests, hard=True),
    "PersistentSubscriptions/Create": _change_group(groups.create_group),
    "PersistentSubscriptions/Update": _change_group(groups.update_group),
    "PersistentSubscriptions/Delete": _group(groups.delete_group),
    "PersistentSubscriptions/GetInfo": _group(group_info.group_info),
    "PersistentSubscriptions/List": _list,
    "PersistentSubscriptions/ReplayParked": _replay,
    "PersistentSubscriptions/RestartSubsystem": lambda requests: parked.restart_groups(),
    "Operations/StartScavenge": lambda requests: scavenge.start_scavenge(),
    "Operations/StopScavenge": lambda requests: scavenge.stop_scavenge(requests[0].options.scavenge_id),
    "Users/Create": _create_user,
    "Users/Details": _details,
    "Users/Disable": _login(users.disable_user),
    "Users/Enable": _login(users.enable_user),
    "Users/ChangePassword": _change_password,
    "Projections/Create": _create_projection,
    "Projections/Update": _update_projection,
    "Projections/Delete": _delete_projection,
    "Projections/Enable": _named(projections.enable_projection),
    "Projections/Disable": _stop_projection,
    "Projections/Reset": _named(projections.reset_projection),
    "Projections/State": _partition(projections.projection_state),
    "Projections/Result": _partition(projections.projection_result),
    "Projections/Statistics": _statistics,
    "StreamsService/AppendSession": _append_session,
}
"""Function that converts parsed requests to an operation, by method."""
