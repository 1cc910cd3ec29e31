from __future__ import annotations

from rxpump.tcp.wire.commands import Command
from tests.server.talk import Talk
from tests.server.tcp.handlers.test_subscribe import A, B, received_events, subscribe


def unsubscribe(talk: Talk, id: bytes = A) -> list[tuple[int, bytes]]:
    return talk.send(Command.UNSUBSCRIBE_FROM_STREAM, id=id)


DROPPED = [(Command.SUBSCRIPTION_DROPPED, b"")]


async def test_no_event_is_sent_after_the_end(talk: Talk) -> None:
    other = Talk(talk.store)
    subscribe(talk, "s")
    subscribe(talk, "s", B)
    assert unsubscribe(talk) == DROPPED
    await other.write("s", "0")
    assert received_events(talk, A) == []
    assert received_events(talk, B) == [(0, "0")]


async def test_an_unknown_id_is_not_answered(talk: Talk) -> None:
    assert unsubscribe(talk) == []
    subscribe(talk, "s")
    assert unsubscribe(talk, B) == []
    assert unsubscribe(Talk(talk.store)) == []
    assert unsubscribe(talk) == DROPPED
    assert unsubscribe(talk) == []


async def test_the_newer_of_two_with_one_id_ends(talk: Talk) -> None:
    other = Talk(talk.store)
    subscribe(talk, "old")
    subscribe(talk, "new")
    assert unsubscribe(talk) == DROPPED
    await other.write("old", "0")
    await other.write("new", "1")
    assert received_events(talk) == [(0, "0")]
    assert unsubscribe(talk) == DROPPED
    assert repr(talk.store.feed) == "<Feed of 0 streams to 0 followers>"


async def test_an_id_can_be_used_again_after_the_end(talk: Talk) -> None:
    other = Talk(talk.store)
    subscribe(talk, "s")
    unsubscribe(talk)
    await other.write("s", "0")
    assert subscribe(talk, "s").last_event_number == 0
    await other.write("s", "1")
    assert received_events(talk) == [(1, "1")]
