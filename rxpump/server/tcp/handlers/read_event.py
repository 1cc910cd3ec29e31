"""ReadEvent: read one event of a stream (docs/protocol/tcp.md, section 4.6)."""

from __future__ import annotations

from rxpump.model.system_names import METADATA_PREFIX, SYSTEM_PREFIX
from rxpump.server.access.access import Permission
from rxpump.server.access.users import User
from rxpump.server.node import Node
from rxpump.server.store.reader import Reader
from rxpump.server.tcp.request import Request, checked_name, checked_number, encode
from rxpump.tcp.wire.codes import ReadEventResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import ReadEvent, ReadEventCompleted, ResolvedIndexedEvent

_LAST = -1


def read_event(request: Request, node: Node) -> None:
    """Answer a ReadEvent."""
    message = request.read(ReadEvent)
    name, number = checked_name(message.event_stream_id), checked_number(message.event_number)
    result, event = _find(node, request.user, name, number, resolve_links=message.resolve_link_tos)
    reply = ReadEventCompleted(result=result, event=ResolvedIndexedEvent.FromString(event))
    request.reply(Command.READ_EVENT_COMPLETED, encode(reply))


def _find(node: Node, user: User, name: str, number: int, *, resolve_links: bool) -> tuple[ReadEventResult, bytes]:
    read = node.store.read
    if not node.access.may(user, Permission.READ, name):
        return ReadEventResult.ACCESS_DENIED, b""
    stream = read.stream(name)
    if stream is None:
        return _absent(read, name, ReadEventResult.NO_STREAM), b""
    if stream.is_tombstoned:
        return ReadEventResult.STREAM_DELETED, b""
    if stream.is_soft_deleted:
        return _absent(read, name, ReadEventResult.NO_STREAM), b""
    event = read.event(stream, stream.last if number == _LAST else number, resolve_links=resolve_links)
    if event is None:
        return _absent(read, name, ReadEventResult.NOT_FOUND), b""
    if event.link_stream and not node.access.may(user, Permission.READ, event.link_stream):
        return ReadEventResult.ACCESS_DENIED, b""
    return ReadEventResult.SUCCESS, event.entry


def _absent(read: Reader, name: str, result: ReadEventResult) -> ReadEventResult:
    """Return the result for an event that does not exist: `result`, or Success with an empty event.

    Success is the result for the metadata of a stream that has events. A real server treats every name that begins
    with `$` as the name of a stream of metadata here.
    """
    original = read.stream(name[len(METADATA_PREFIX) :]) if name.startswith(SYSTEM_PREFIX) else None
    return result if original is None or original.is_tombstoned else ReadEventResult.SUCCESS
