"""ReadEvent: one event of a stream (docs/protocol/tcp.md, section 4.6)."""

from __future__ import annotations

from rxpump.server.access import Permission
from rxpump.server.node import Node
from rxpump.server.request import Request, checked_name, checked_number, encode
from rxpump.server.store.reader import Reader
from rxpump.server.users import User
from rxpump.wire.codes import ReadEventResult
from rxpump.wire.commands import Command
from rxpump.wire.schema import ReadEvent, ReadEventCompleted, ResolvedIndexedEvent

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
    if not node.may(user, Permission.READ, name):
        return ReadEventResult.ACCESS_DENIED, b""
    stream = read.stream(name)
    if stream is None:
        return _without_stream(read, name), b""
    if stream.is_tombstoned:
        return ReadEventResult.STREAM_DELETED, b""
    if stream.is_soft_deleted:
        return ReadEventResult.NO_STREAM, b""
    event = read.event(stream, stream.last if number == _LAST else number, resolve_links=resolve_links)
    if event is None:
        return ReadEventResult.NOT_FOUND, b""
    if event.link_stream and not node.may(user, Permission.READ, event.link_stream):
        return ReadEventResult.ACCESS_DENIED, b""
    return ReadEventResult.SUCCESS, event.fields


def _without_stream(read: Reader, name: str) -> ReadEventResult:
    """Tell "no metadata was set", Success with no event, from "no such stream".

    A real server takes any name that begins with `$` for a metadata stream's here.
    """
    if name.startswith("$") and read.stream(name[2:]) is not None:
        return ReadEventResult.SUCCESS
    return ReadEventResult.NO_STREAM
