"""Manage projections (docs/protocol/grpc.md, section 3.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rxpump.errors import ProjectionNotFound, UnexpectedReply
from rxpump.grpc.calls.fields import EMPTY, only
from rxpump.grpc.calls.operation import Operation, no_result
from rxpump.grpc.errors.call_context import CallContext, Effect, Option
from rxpump.grpc.messages import projections
from rxpump.grpc.messages.methods import Method, ServerVersion
from rxpump.model.projections import ProjectionMode, ProjectionStatistics

_SILENCE: Final = "a follower answers no request about projections; connect to the leader"

_MODES: Final = {
    ProjectionMode.ONE_TIME: "one_time",
    ProjectionMode.TRANSIENT: "transient",
    ProjectionMode.CONTINUOUS: "continuous",
}
"""Names of the fields for the modes."""


TRACKING: Final = Option("tracks_emitted", ServerVersion(21, 10, 2))
"""Before, the field of `emit_enabled` had the name of this option, but also let a projection write events."""

ENGINE_VERSION: Final = Option("engine_version", ServerVersion(26, 1))


def create_projection(
    name: str | None,
    query: str,
    mode: ProjectionMode,
    *,
    can_emit: bool = False,
    tracks_emitted: bool = False,
    engine_version: int | None = None,
) -> Operation[None]:
    """Return the Create request.

    Args:
        name: Name of the projection; ignored for a one-time projection, which the server names.
        query: Text of the projection.
        mode: How long the projection runs.
        can_emit: Whether a continuous projection may write events.
        tracks_emitted: Whether the server records the streams that it writes.
        engine_version: Version of the engine that runs the projection; None for the one that the server chooses.
    """
    described: dict[ProjectionMode, dict[str, Any]] = {
        ProjectionMode.ONE_TIME: {},
        ProjectionMode.TRANSIENT: {"name": name},
        ProjectionMode.CONTINUOUS: {
            "name": name,
            "emit_enabled": can_emit,
            "track_emitted_streams": tracks_emitted,
        },
    }
    options = {_MODES[mode]: described[mode], "query": query, "engine_version": engine_version}
    newest = TRACKING if tracks_emitted else None
    if engine_version is not None:
        newest = ENGINE_VERSION
    return _change(projections.CREATE, name or "", projections.CreateRequest(options=options), newest)


def update_projection(name: str, query: str, *, can_emit: bool | None) -> Operation[None]:
    """Return the Update request.

    Args:
        name: Name of the projection.
        query: Text of the projection.
        can_emit: Whether it may write events; None to leave that as it is.
    """
    emit = {"no_emit_options": EMPTY} if can_emit is None else {"emit_enabled": can_emit}
    request = projections.UpdateRequest(options={"name": name, "query": query, **emit})
    return _change(projections.UPDATE, name, request)


def delete_projection(
    name: str, *, emitted_streams: bool, state_stream: bool, checkpoint_stream: bool
) -> Operation[None]:
    """Return the Delete request, which also deletes the streams that the arguments choose."""
    options = {
        "name": name,
        "delete_emitted_streams": emitted_streams,
        "delete_state_stream": state_stream,
        "delete_checkpoint_stream": checkpoint_stream,
    }
    return _change(projections.DELETE, name, projections.DeleteRequest(options=options))


def enable_projection(name: str) -> Operation[None]:
    """Return the Enable request."""
    return _change(projections.ENABLE, name, projections.EnableRequest(options={"name": name}))


def disable_projection(name: str) -> Operation[None]:
    """Return the Disable request, which lets the projection write a checkpoint."""
    return _change(
        projections.DISABLE, name, projections.DisableRequest(options={"name": name, "write_checkpoint": True})
    )


def abort_projection(name: str) -> Operation[None]:
    """Return the Disable request without a checkpoint."""
    return _change(projections.DISABLE, name, projections.DisableRequest(options={"name": name}))


def reset_projection(name: str) -> Operation[None]:
    """Return the Reset request."""
    options = {"name": name, "write_checkpoint": True}
    return _change(projections.RESET, name, projections.ResetRequest(options=options))


def restart_projections() -> Operation[None]:
    """Return the RestartSubsystem request."""
    return _change(projections.RESTART_SUBSYSTEM, "", projections.RESTART_SUBSYSTEM.request())


def projection_state(name: str, partition: str) -> Operation[Any]:
    """Return the State request. Its result is the state as a JSON value, or an empty object if there is none."""
    return _value(projections.STATE, name, partition, "state")


def projection_result(name: str, partition: str) -> Operation[Any]:
    """Return the Result request. Its result is a JSON value, or an empty object if there is none."""
    return _value(projections.RESULT, name, partition, "result")


def projection_statistics(name: str) -> Operation[ProjectionStatistics]:
    """Return the Statistics request for one projection."""

    def answer(messages: Sequence[Any], context: CallContext) -> ProjectionStatistics:
        if not messages:
            raise ProjectionNotFound(name, "the response is empty")
        return _statistics(messages[0].details, context)

    request = projections.StatisticsRequest(options={"name": name})
    return Operation(_context(projections.STATISTICS, name), (request,), answer)


def all_statistics(mode: ProjectionMode | None) -> Operation[Sequence[ProjectionStatistics]]:
    """Return the Statistics request for all projections of a mode, None for those of every mode."""

    def answer(messages: Sequence[Any], context: CallContext) -> Sequence[ProjectionStatistics]:
        return [_statistics(message.details, context) for message in messages]

    request = projections.StatisticsRequest(options={"all" if mode is None else _MODES[mode]: EMPTY})
    return Operation(_context(projections.STATISTICS, ""), (request,), answer)


def _context(method: Method, name: str, option: Option | None = None) -> CallContext:
    return CallContext(method, "manage projections of", Effect.NONE, name=name, option=option, silence_hint=_SILENCE)


def _change(method: Method, name: str, request: Any, option: Option | None = None) -> Operation[None]:
    return Operation(_context(method, name, option), (request,), no_result)


def _value(method: Method, name: str, partition: str, field: str) -> Operation[Any]:
    def answer(messages: Sequence[Any], context: CallContext) -> Any:
        return _plain(getattr(only(messages, context.operation), field))

    request = projections.PartitionRequest(options={"name": name, "partition": partition})
    return Operation(_context(method, name), (request,), answer)


def _plain(value: Any) -> Any:
    """Return a google.protobuf.Value as a JSON value, with whole numbers as int, because it has floats only."""
    match value.WhichOneof("kind"):
        case None | "null_value":
            return None
        case "struct_value":
            return {key: _plain(each) for key, each in value.struct_value.fields.items()}
        case "list_value":
            return [_plain(each) for each in value.list_value.values]
        case "number_value" if value.number_value.is_integer():
            return int(value.number_value)
        case kind:
            return getattr(value, kind)


def _statistics(details: Any, context: CallContext) -> ProjectionStatistics:
    return ProjectionStatistics(
        name=details.name,
        mode=_mode(details.mode, context),
        status=details.status,
        reason=details.state_reason,
        progress=details.progress,
        position=details.position,
        last_checkpoint=details.last_checkpoint,
        checkpoint_status=details.checkpoint_status,
        version=details.version,
        epoch=details.epoch,
        effective_name=details.effective_name,
        processed_after_restart=details.events_processed_after_restart,
        buffered_events=details.buffered_events,
        processing_time=details.core_processing_time,
        reads_in_progress=details.reads_in_progress,
        writes_in_progress=details.writes_in_progress,
        writes_before_checkpoint=details.write_pending_events_before_checkpoint,
        writes_after_checkpoint=details.write_pending_events_after_checkpoint,
        partitions_cached=details.partitions_cached,
    )


def _mode(name: str, context: CallContext) -> ProjectionMode:
    try:
        return ProjectionMode(name)
    except ValueError:
        raise UnexpectedReply(context.operation, f"a projection of the unknown mode {name!r}") from None
