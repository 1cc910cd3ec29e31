"""Describe requests and results as text, one line for each, for transcripts that people read."""

from __future__ import annotations

import re
from typing import Any

from rxpump.errors import RxPumpError
from rxpump.model.events import Event
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.results import DeleteResult, ScavengeResult, WriteResult
from rxpump.streams.transaction import Transaction
from rxpump.tcp.live_subscription import LiveSubscription
from rxpump.tcp.wire.commands import Command
from rxpump.transport import GroupSession


def request(command: int, message: Any) -> str:
    """Return the text for a request."""
    links = ", links resolved" if getattr(message, "resolve_link_tos", False) else ""
    match command:
        case Command.PING:
            return "ping"
        case Command.WRITE_EVENTS:
            return f"write {len(message.events)} to {message.event_stream_id} at {message.expected_version}"
        case Command.READ_EVENT:
            return f"event {message.event_number}@{message.event_stream_id}{links}"
        case Command.READ_STREAM_EVENTS_FORWARD:
            return f"{message.event_stream_id} from {message.from_event_number}, {message.max_count}{links}"
        case Command.READ_STREAM_EVENTS_BACKWARD:
            return f"{message.event_stream_id} back from {message.from_event_number}, {message.max_count}{links}"
        case Command.READ_ALL_EVENTS_FORWARD:
            return f"all from {message.commit_position}/{message.prepare_position}, {message.max_count}{links}"
        case Command.READ_ALL_EVENTS_BACKWARD:
            return f"all back from {message.commit_position}/{message.prepare_position}, {message.max_count}{links}"
        case Command.SUBSCRIBE_TO_STREAM:
            return f"subscribe to {message.event_stream_id or 'everything'}{links}"
        case Command.DELETE_STREAM:
            how = "permanently" if message.hard_delete else "softly"
            return f"delete {message.event_stream_id} at {message.expected_version} {how}"
        case Command.TRANSACTION_START:
            return f"begin a transaction on {message.event_stream_id} at {message.expected_version}"
        case Command.TRANSACTION_WRITE:
            return f"write {len(message.events)} into transaction {message.transaction_id}"
        case Command.TRANSACTION_COMMIT:
            return f"commit transaction {message.transaction_id}"
        case Command.SCAVENGE_DATABASE:
            return "scavenge"
        case Command.CREATE_PERSISTENT_SUBSCRIPTION:
            return f"make group {message.subscription_group_name} of {message.event_stream_id or 'nothing'}"
        case Command.UPDATE_PERSISTENT_SUBSCRIPTION:
            return f"change group {message.subscription_group_name} of {message.event_stream_id}"
        case Command.DELETE_PERSISTENT_SUBSCRIPTION:
            return f"delete group {message.subscription_group_name} of {message.event_stream_id}"
        case Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION:
            most = message.allowed_in_flight_messages
            return f"consume {message.event_stream_id} in group {message.subscription_id}, {most} at a time"
    raise AssertionError(f"no words for {command}")


def shown(result: Any) -> str:
    """Return the text for a result."""
    match result:
        case None:
            return "done"
        case float():
            return "pong"
        case RxPumpError():
            words = f"{type(result).__name__}: {result}".replace("\n", " ")
            return re.sub(r"tcp://[\w.]+:\d+", "the node", words)
        case WriteResult(position=None):
            return f"{result.first_event_number} to {result.last_event_number}, done before"
        case WriteResult():
            assert result.position is not None
            commit, prepare = result.position
            return f"{result.first_event_number} to {result.last_event_number} at {commit}/{prepare}"
        case DeleteResult():
            return f"deleted at {result.position.commit}/{result.position.prepare}" if result.position else "deleted"
        case Transaction():
            return f"transaction {result.id}"
        case int():
            return f"transaction {result}"
        case ScavengeResult():
            return f"{'done' if result.is_done else 'begun'}, {result.bytes_saved} bytes saved"
        case Event():
            return event(result)
        case StreamPage():
            end = ", end" if result.is_end_of_stream else ""
            return f"[{numbers(result)}] next {result.next_event_number}, last {result.last_event_number}{end}"
        case AllPage():
            commit, prepare = result.next_position
            return f"[{', '.join(map(event, result))}] next {commit}/{prepare}"
        case GroupSession():
            return "connected"
        case LiveSubscription():
            return f"subscribed, last {result.last_event_number} at {result.last_commit_position}"
    raise AssertionError(f"no words for {result!r}")


def appearance(of: Event, retries: int) -> str:
    """Return the text for an event of a subscription."""
    return event(of) + (f" (retry {retries})" if retries else "")


def event(event: Event) -> str:
    if event.is_broken_link:
        return f"{event.number}@{event.stream} broken"
    via = f" via {event.link.number}@{event.link.stream}" if event.link else ""
    where = f" {event.position.commit}" if event.position else ""
    return f"{event.number}@{event.stream}{via}{where}"


def numbers(page: StreamPage) -> str:
    """Return the text for the events of a page. Events of the stream itself are only numbers."""
    return ", ".join(
        str(each.number) if each.stream == page.stream and not each.is_broken_link else event(each) for each in page
    )
