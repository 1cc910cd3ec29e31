"""The options of requests about consumer groups (docs/protocol/grpc.md, sections 3.6 and 5.10)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.model.group_settings import ConsumerStrategy
from rxpump.model.limits import MAX_COUNT
from rxpump.model.positions import LAST_POSITION, Position
from rxpump.model.system_names import ALL_STREAM
from rxpump.server.groups.group_filter import GroupFilter
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.strategies import STRATEGIES
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed, invalid_argument
from rxpump.server.grpc.group_errors import group_failed
from rxpump.server.grpc.services.event_filter import log_filter
from rxpump.server.grpc.services.proposed_events import BadRequestField, signed_number, stream_name
from rxpump.server.grpc.services.read_options import log_position
from rxpump.server.store.filters import FilterField

_END: Final = -1
_TICKS_PER_MILLISECOND: Final = 10_000
_PACKAGE: Final = "EventStore.Client.PersistentSubscriptions"
_ENUM: Final = {
    0: ConsumerStrategy.DISPATCH_TO_SINGLE,
    1: ConsumerStrategy.ROUND_ROBIN,
    2: ConsumerStrategy.PINNED,
}


def group_stream(options: Any) -> str:
    """Return the stream of a group in options that have `stream_identifier` or `all`.

    Raises:
        CallError: Neither is set, or the name is empty.
    """
    if options.HasField("all"):
        return ALL_STREAM
    if not options.HasField("stream_identifier"):
        raise handler_failed("The options must name the stream of the group.")
    return checked_stream(options.stream_identifier)


def checked_stream(identifier: Any) -> str:
    """Return the name of a stream.

    Raises:
        CallError: The name is empty, or it is `$all`. A real server never answers a call with an empty name.
    """
    try:
        name = stream_name(identifier)
    except BadRequestField as error:
        raise invalid_argument(error.reason) from None
    if name == ALL_STREAM:
        raise handler_failed("A group on all streams needs the option `all`, not the name of a stream.")
    return name


def group_settings(call: Call, options: Any, request: str, *, names_strategy: bool) -> GroupSettings:
    """Return the settings in the options of a Create or an Update.

    Args:
        call: The call.
        options: The options.
        request: Name of the message of a real server, for its error texts.
        names_strategy: Whether the request can contain the name of the strategy.

    Raises:
        CallError: The options cannot be used.
    """
    if not options.HasField("settings"):
        raise handler_failed("The options must have settings.")
    settings, group = options.settings, options.group_name
    stream, start, wanted = _source(call, options, request)
    strategy = settings.consumer_strategy if names_strategy else ""
    if not strategy:
        number = settings.named_consumer_strategy
        strategy = _ENUM.get(number, str(number))
    if strategy not in STRATEGIES:
        raise group_failed(stream, group, f"Consumer strategy {strategy} does not exist.")
    if settings.read_batch_size >= settings.history_buffer_size:
        limit = "ReadBatchSize may not be greater than or equal to BufferSize"
        raise group_failed(
            stream, group, f"Specified argument was out of the range of valid values. (Parameter '{limit}')"
        )
    return GroupSettings(
        stream=stream,
        group=group,
        start_from=start,
        filter=wanted,
        resolve_links=settings.resolve_links,
        message_timeout_seconds=_seconds(settings, "message_timeout"),
        record_statistics=settings.extra_statistics,
        live_buffer_size=settings.live_buffer_size,
        read_batch_size=settings.read_batch_size,
        buffer_size=settings.history_buffer_size,
        max_retry_count=settings.max_retry_count,
        checkpoint_after_seconds=_seconds(settings, "checkpoint_after"),
        checkpoint_max_count=settings.max_checkpoint_count,
        checkpoint_min_count=settings.min_checkpoint_count,
        subscriber_max_count=settings.max_subscriber_count,
        strategy=strategy,
    )


def _seconds(settings: Any, name: str) -> float:
    """Return a time, as whole milliseconds between those that an answer about the group can hold."""
    if settings.WhichOneof(name) == f"{name}_ticks":
        milliseconds = int(getattr(settings, f"{name}_ticks") / _TICKS_PER_MILLISECOND)
    else:
        milliseconds = getattr(settings, f"{name}_ms")
    return float(max(-MAX_COUNT, min(milliseconds, MAX_COUNT)) / 1000)


def _source(call: Call, options: Any, request: str) -> tuple[str, int, GroupFilter | None]:
    """Return the stream, the number of the first event, and the filter."""
    match options.WhichOneof("source"):
        case "stream":
            return checked_stream(options.stream.stream_identifier), _number(options.stream, request), None
        case "all":
            start = _offset(call, options.all, options.group_name, request)
            has_filter = options.all.WhichOneof("filtering") == "filter"
            return ALL_STREAM, start, _filter(call, options.all.filter) if has_filter else None
    if not options.HasField("stream_identifier"):
        raise handler_failed("The options must name the stream of the group.")
    return checked_stream(options.stream_identifier), _signed(options.settings.revision), None


def _number(source: Any, request: str) -> int:
    match source.WhichOneof("from"):
        case "revision":
            return _signed(source.revision)
        case "start":
            return 0
        case "end":
            return _END
    raise _no_start(f"{request}+Types+StreamOptions+RevisionOptionOneofCase")


def _signed(number: int) -> int:
    try:
        return signed_number(number)
    except BadRequestField as error:
        raise handler_failed(error.reason) from None


def _offset(call: Call, source: Any, group: str, request: str) -> int:
    """Return the offset in the log of the first event of a group on all streams."""
    match source.WhichOneof("from"):
        case "position":
            position = _checked_position(call, source.position, group)
            return _END if position == LAST_POSITION else call.node.store.read.offset(position)
        case "start":
            return 0
        case "end":
            return _END
    raise _no_start(f"{request}+Types+AllOptions+AllOptionOneofCase")


def _checked_position(call: Call, message: Any, group: str) -> Position:
    commit, prepare = message.commit_position, message.prepare_position
    if prepare > commit:
        reason = "prepare position must be less than or equal to the commit position."
        raise group_failed(ALL_STREAM, group, f"Invalid Start From position: {reason}")
    position = log_position(message)
    if position.commit > max(call.node.store.read.log().last_commit, 0):
        reason = "commit position must be less than or equal to the last commit position in the transaction file."
        raise group_failed(ALL_STREAM, group, f"Invalid Start From position: {reason}")
    return position


def _no_start(name: str) -> Exception:
    return invalid_argument(f"'None' is not a valid {_PACKAGE}.{name}")


def _filter(call: Call, message: Any) -> GroupFilter:
    log_filter(message, call.node.strictness)  # raises CallError if the filter cannot be used
    subject = message.WhichOneof("subject")
    expression = getattr(message, subject)
    field = FilterField.STREAM if subject == "stream_identifier" else FilterField.TYPE
    return GroupFilter(field, expression.regex, tuple(expression.prefix))
