"""The options of a read (docs/protocol/grpc.md, sections 5.5 and 5.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import LAST_POSITION, Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM
from rxpump.server.grpc.call_errors import handler_failed, invalid_argument
from rxpump.server.grpc.event_ids import IdForm
from rxpump.server.grpc.services.event_filter import WantedEvents, read_filter
from rxpump.server.grpc.services.proposed_events import MINUS_ONE, BadRequestField, signed_number, stream_name
from rxpump.server.strictness import Strictness

_PREFIX: Final = "EventStore.Client.Streams.ReadReq+Types+Options"
_DIRECTIONS: Final = {0: ("Forwards", StreamDirection.FORWARD), 1: ("Backwards", StreamDirection.BACKWARD)}
_SOURCES: Final = {"stream": "Stream", "all": "All"}
_AMOUNTS: Final = {"count": "Count", "subscription": "Subscription"}
_FILTERS: Final = {"filter": "Filter", "no_filter": "NoFilter"}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of a read.

    Attributes:
        stream: Name of the stream; None for the log.
        number: Number in the stream at which to start; -1 for the end, None for the start or a read of the log.
        position: Position in the log at which to start; (-1, -1) for the end, None for the start or a stream.
        direction: Direction of the read.
        count: Largest number of events to read; None for a subscription.
        wanted: Filter of the log; None for no filter.
        ids: Form of the ids in the response.
        resolve_links: Whether the targets of links are sent with them.
        has_stream_positions: Whether the response has the first and the last number of the stream.
    """

    stream: str | None
    number: int | None
    position: Position | None
    direction: StreamDirection
    count: int | None
    wanted: WantedEvents | None
    ids: IdForm
    resolve_links: bool
    has_stream_positions: bool


def read_source(request: Any) -> str:
    """Return the name of the stream that a `ReadRequest` reads, or `$all`.

    It checks the parts of the request that a real server checks before the permissions.

    Raises:
        CallError: The options are missing, or have no form of ids or no stream.
    """
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    options = request.options
    if id_form(options) is None:
        raise invalid_argument(f"'uuidOption' is a required argument of type {_PREFIX}+Types+UUIDOption")
    match options.WhichOneof("source"):
        case "stream":
            try:
                return stream_name(options.stream.stream_identifier)
            except BadRequestField as error:
                raise handler_failed(error.reason) from None
        case "all":
            return ALL_STREAM
    raise invalid_argument(f"'None' is not a valid {_PREFIX}+StreamOptionOneofCase")


def read_options(request: Any, strictness: Strictness) -> ReadOptions:
    """Return the options of a `ReadRequest` that has a source (`read_source`).

    Raises:
        CallError: The options cannot be combined.
    """
    options = request.options
    is_stream = options.WhichOneof("source") == "stream"
    stream = stream_name(options.stream.stream_identifier) if is_stream else None
    direction = _direction(options)
    try:
        number = _number(options.stream) if is_stream else None
    except BadRequestField as error:
        raise handler_failed(error.reason) from None
    position = None if is_stream else _position(options.all)
    amount = options.WhichOneof("amount")
    wanted = read_filter(options.filter, strictness) if options.HasField("filter") else None
    return ReadOptions(
        stream,
        number,
        position,
        direction,
        options.count if amount == "count" else None,
        wanted,
        id_form(options) or IdForm.STRUCTURED,
        options.resolve_links,
        options.control_option.compatibility > 0,
    )


def id_form(options: Any) -> IdForm | None:
    """Return the form of ids that the option `uuid_option` requests; None if there is no such option."""
    if not options.HasField("uuid_option"):
        return None
    form = options.uuid_option.WhichOneof("form")
    return IdForm.STRUCTURED if form is None else IdForm(form)


def _direction(options: Any) -> StreamDirection:
    """Return the direction, and check that the options can be combined."""
    source, amount, filtering = (options.WhichOneof(name) for name in ("source", "amount", "filtering"))
    name, direction = _DIRECTIONS.get(options.read_direction, (str(options.read_direction), None))
    is_legal = (
        direction is not None
        and amount is not None
        and filtering is not None
        and not (source == "stream" and filtering == "filter")
        and not (amount == "subscription" and direction is StreamDirection.BACKWARD)
    )
    if direction is None or not is_legal:
        parts = (_SOURCES[source], _AMOUNTS.get(amount, "None"), name, _FILTERS.get(filtering, "None"))
        raise invalid_argument(f"The combination of ({', '.join(parts)}) is invalid.")
    return direction


def _number(options: Any) -> int | None:
    match options.WhichOneof("from"):
        case "revision":
            return signed_number(options.revision)
        case "start":
            return None
        case "end":
            return -1
    raise BadRequestField("The options must name the event at which to start.")


def _position(options: Any) -> Position | None:
    match options.WhichOneof("from"):
        case "position":
            return log_position(options.position)
        case "start":
            return None
        case "end":
            return LAST_POSITION
    raise handler_failed("The options must name the position at which to start.")


def log_position(message: Any) -> Position:
    """Return the position in a `Position` message.

    Raises:
        CallError: The numbers are no position.
    """
    commit, prepare = message.commit_position, message.prepare_position
    if commit == prepare == MINUS_ONE:
        return LAST_POSITION
    if commit > MAX_EVENT_NUMBER or prepare > commit:
        raise handler_failed(f"The position {commit}/{prepare} is not valid.")
    return Position(commit, prepare)
