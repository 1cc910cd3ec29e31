"""ReadEvent (docs/protocol/tcp.md, section 4.6): cases that the recordings lack."""

from __future__ import annotations

from rxpump.tcp.wire.codes import ReadEventResult
from tests.raw_client import ADMIN
from tests.server.talk import Talk


async def test_a_link_is_resolved_on_request(talk: Talk) -> None:
    await talk.write("target", "content")
    await talk.write("links", "0@target", "5@target", "0@never", "nothing@all")
    unresolved = talk.read_event("links", 0).event
    assert unresolved.event.data == b"0@target"
    assert not unresolved.HasField("link")
    resolved = talk.read_event("links", 0, resolve=True).event
    assert (resolved.event.data, resolved.link.data) == (b"content", b"0@target")
    for broken in (1, 2, 3):
        reply = talk.read_event("links", broken, resolve=True)
        assert reply.result == ReadEventResult.SUCCESS
        assert not reply.event.HasField("event")
        assert reply.event.link.event_number == broken


async def test_a_link_into_a_forbidden_stream_is_denied(talk: Talk) -> None:
    await talk.write("$secret", "content", user=ADMIN)
    await talk.write("links", "0@$secret", "0@$missing")
    for number in (0, 1):
        denied = talk.read_event("links", number, resolve=True)
        assert denied.result == ReadEventResult.ACCESS_DENIED
        assert denied.HasField("event")
        assert not denied.event.HasField("link")
        assert talk.read_event("links", number).result == ReadEventResult.SUCCESS
    assert talk.read_event("links", 0, resolve=True, user=ADMIN).event.event.data == b"content"


async def test_a_stream_without_metadata_is_not_missing(talk: Talk) -> None:
    await talk.write("s", "content")
    for number in (-1, 0, 5):
        reply = talk.read_event("$$s", number)
        assert reply.result == ReadEventResult.SUCCESS
        assert reply.HasField("event")
        assert not reply.event.HasField("event")
    assert talk.read_event("$$other", -1).result == ReadEventResult.NO_STREAM
    assert talk.read_event("$xs", -1, user=ADMIN).result == ReadEventResult.SUCCESS
    await talk.write("$$s", "{}")
    assert talk.read_event("$$s", -1).event.event.data == b"{}"
    for absent in (0, 5):
        await talk.write("$$s", "{}")
        reply = talk.read_event("$$s", absent)
        assert reply.result == ReadEventResult.SUCCESS
        assert reply.HasField("event")
        assert not reply.event.HasField("event")
    await talk.write("$$other", "{}")
    assert talk.read_event("$$other", 5).result == ReadEventResult.NOT_FOUND


async def test_only_admins_read_system_streams(talk: Talk) -> None:
    assert talk.read_event("$users", 0).result == ReadEventResult.ACCESS_DENIED
    assert talk.read_event("$users", 0, user=ADMIN).result == ReadEventResult.NO_STREAM
