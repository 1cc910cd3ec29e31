"""Read all events page by page as an admin, so that a difference is found at once."""

from __future__ import annotations

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN
from tests.server.model.pair import Pair

MAX_PAGES = 12
FORWARD, BACKWARD = Command.READ_STREAM_EVENTS_FORWARD, Command.READ_STREAM_EVENTS_BACKWARD
ALL_FORWARD, ALL_BACKWARD = Command.READ_ALL_EVENTS_FORWARD, Command.READ_ALL_EVENTS_BACKWARD


async def walk_stream(pair: Pair, stream: str, size: int) -> None:
    """Read a stream in both directions with resolved links, and then its last event."""
    for client, (command, start) in enumerate([(FORWARD, 0), (BACKWARD, -1)]):
        for _ in range(MAX_PAGES):
            request = schema.ReadStreamEvents(
                event_stream_id=stream, from_event_number=start, max_count=size, resolve_link_tos=True
            )
            page = await pair.ask(client, command, request, ADMIN)
            if page.is_end_of_stream:
                break
            start = page.next_event_number
    await pair.ask(0, Command.READ_EVENT, schema.ReadEvent(event_stream_id=stream, event_number=-1), ADMIN)


async def walk_all(pair: Pair, size: int) -> None:
    """Read the log in both directions with resolved links."""
    for client, (command, position) in enumerate([(ALL_FORWARD, (0, 0)), (ALL_BACKWARD, (-1, -1))]):
        while True:
            request = schema.ReadAllEvents(
                commit_position=position[0], prepare_position=position[1], max_count=size, resolve_link_tos=True
            )
            page = await pair.ask(client, command, request, ADMIN)
            if not page.events:
                break
            position = page.next_commit_position, page.next_prepare_position
