"""The options of requests about consumer groups (docs/protocol/grpc.md, sections 3.6 and 5.10)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.group_settings import ConsumerStrategy
from rxpump.model.limits import MAX_COUNT
from rxpump.model.positions import LAST_POSITION, Position
from rxpump.model.system_names import ALL_STREAM
from rxpump.server.groups.group_filter import GroupFilter
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.strategies import STRATEGIES
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, handler_failed, invalid_argument
from rxpump.server.grpc.group_errors import group_failed
from rxpump.server.grpc.services.event_filter import log_filter
from rxpump.server.grpc.services.proposed_events import BadRequestField, signed_number, stream_name
from rxpump.server.store.filters import FilterField

_END: Final = -1
_TICKS_PER_MILLISECOND: Final = 10_000
_PACKAGE: Final = "EventStore.Client.PersistentSubscriptions"
_ENUM: Final = {
    0: ConsumerStrategy.DISPATCH_TO_SINGLE,
    1: ConsumerStrategy.ROUND_ROBIN,
    2: ConsumerStrategy.PINNED,
}


class GroupSource(NamedTuple):
    """The events of a group, as a request names them.

    Attributes:
        stream: Name of the stream, or `$all`.
        start: Number of the first event of a stream, or position of the first event of the log; END for the events
            after the creation of the group.
        filter: Filter of a group on all streams; None for no filter.
    """

    stream: str
    start: int | Position
    filter: GroupFilter | None = None


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
    """Return the name of a stream, which can be `$all`.

    Raises:
        CallError: The name is empty. A real server never answers most calls with an empty name.
    """
    try:
        return stream_name(identifier)
    except BadRequestField as error:
        raise invalid_argument(error.reason) from None


def changed_stream(stream: str, method: Method) -> str:
    """Return the name of a stream whose groups a request changes.

    Raises:
        CallError: The name is that of all streams. The error of a real server only names messages that are internal.
    """
    if stream == ALL_STREAM:
        name = f"{method}PersistentSubscriptionTo"
        text = f"Envelope callback expected either {name}AllCompleted or NotHandled, received {name}StreamCompleted"
        raise CallError(
            CallStatus(StatusCode.UNKNOWN, f"{text} instead"),
            "A group on all streams needs the option `all`, not the name of a stream.",
        )
    return stream


def group_source(call: Call, options: Any, request: str) -> GroupSource:
    """Return the events of a group in the options of a Create or an Update.

    Args:
        call: The call.
        options: The options, which have settings.
        request: Name of the message of a real server, for its error texts.

    Raises:
        CallError: The options name no stream or no start, or the start or the filter cannot be used.
    """
    match options.WhichOneof("source"):
        case "stream":
            start: int | Position = _number(options.stream, request)
            return GroupSource(_stream_to_change(call, options.stream.stream_identifier), start)
        case "all":
            start = _place(options.all, request)
            has_filter = options.all.WhichOneof("filtering") == "filter"
            return GroupSource(ALL_STREAM, start, _filter(call, options.all.filter) if has_filter else None)
    if not options.HasField("stream_identifier"):
        raise handler_failed("The options must name the stream of the group.")
    return GroupSource(_stream_to_change(call, options.stream_identifier), _signed(options.settings.revision))


def group_settings(call: Call, options: Any, source: GroupSource, *, names_strategy: bool) -> GroupSettings:
    """Return the settings in the options of a Create or an Update.

    Args:
        call: The call.
        options: The options.
        source: The events of the group, from the same options.
        names_strategy: Whether the request can contain the name of the strategy.

    Raises:
        CallError: There is no such strategy, or the group cannot start at the position.
    """
    settings, group = options.settings, options.group_name
    strategy = settings.consumer_strategy if names_strategy else ""
    if not strategy:
        number = settings.named_consumer_strategy
        strategy = _ENUM.get(number, str(number))
    if strategy not in STRATEGIES:
        raise group_failed(source.stream, group, f"Consumer strategy {strategy} does not exist.")
    start = source.start
    return GroupSettings(
        stream=source.stream,
        group=group,
        start_from=_offset(call, start, group) if isinstance(start, Position) else start,
        filter=source.filter,
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
        follows_v23=True,
    )


def check_sizes(settings: GroupSettings) -> None:
    """Check that a page is smaller than the buffer.

    Raises:
        CallError: It is not.
    """
    if settings.read_batch_size >= settings.buffer_size:
        limit = "ReadBatchSize may not be greater than or equal to BufferSize"
        reason = f"Specified argument was out of the range of valid values. (Parameter '{limit}')"
        raise group_failed(settings.stream, settings.group, reason)


def _seconds(settings: Any, name: str) -> float:
    """Return a time, as whole milliseconds between those that an answer about the group can hold."""
    if settings.WhichOneof(name) == f"{name}_ticks":
        milliseconds = int(getattr(settings, f"{name}_ticks") / _TICKS_PER_MILLISECOND)
    else:
        milliseconds = getattr(settings, f"{name}_ms")
    return float(max(-MAX_COUNT, min(milliseconds, MAX_COUNT)) / 1000)


def _stream_to_change(call: Call, identifier: Any) -> str:
    return changed_stream(checked_stream(identifier), call.method)


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


def _place(source: Any, request: str) -> int | Position:
    match source.WhichOneof("from"):
        case "position":
            return _position(source.position)
        case "start":
            return 0
        case "end":
            return _END
    if request == "UpdateReq":
        raise handler_failed("The options must name the start of the group.")
    raise _no_start(f"{request}+Types+AllOptions+AllOptionOneofCase")


def _position(message: Any) -> Position:
    """Return a position, whose numbers can be -1."""
    commit, prepare = message.commit_position, message.prepare_position
    if prepare > commit:
        raise handler_failed(f"The position {commit}/{prepare} is not valid.")
    return Position(_signed(commit), _signed(prepare))


def _offset(call: Call, position: Position, group: str) -> int:
    """Return the offset in the log of the first event of a group on all streams."""
    if position == LAST_POSITION:
        return _END
    reason = None
    if position.prepare > position.commit:
        reason = "prepare position must be less than or equal to the commit position."
    elif position.commit > max(call.node.store.read.log().last_commit, 0):
        reason = "commit position must be less than or equal to the last commit position in the transaction file."
    if reason is not None:
        raise group_failed(ALL_STREAM, group, f"Invalid Start From position: {reason}")
    return call.node.store.read.offset(position)


def _no_start(name: str) -> Exception:
    return invalid_argument(f"'None' is not a valid {_PACKAGE}.{name}")


def _filter(call: Call, message: Any) -> GroupFilter:
    name = f"{_PACKAGE}.CreateReq+Types+AllOptions+Types+FilterOptions"
    log_filter(message, call.node.strictness, name)  # raises CallError if the filter cannot be used
    subject = message.WhichOneof("subject")
    expression = getattr(message, subject)
    field = FilterField.STREAM if subject == "stream_identifier" else FilterField.TYPE
    return GroupFilter(field, expression.regex, tuple(expression.prefix))
