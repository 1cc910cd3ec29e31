"""Subscriptions to streams and to the log."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server import EmbeddedServer
from tests.server.grpc.caller import ADMIN, Caller, calling, event, kinds, read_request, serving

LIVE: dict[str, Any] = {"subscription": {}}


async def test_a_subscription_catches_up_and_goes_live(caller: Caller) -> None:
    await caller.append("s", *(event() for _ in range(300)))
    call = await caller.begin(streams.READ, read_request("s", **LIVE))
    messages = await call.take(302)
    assert kinds(messages) == ["confirmation", *["event"] * 300, "caught_up"]
    assert messages[-1].caught_up.stream_revision == 299
    assert messages[-1].caught_up.HasField("timestamp")
    await caller.append("s", event(), event())
    assert [message.event.event.stream_revision for message in await call.take(2)] == [300, 301]


async def test_a_subscription_starts_behind_a_number(caller: Caller) -> None:
    await caller.append("s", event(), event(), event())
    call = await caller.begin(streams.READ, read_request("s", start={"revision": 1}, **LIVE))
    _, found, caught_up = await call.take(3)
    assert found.event.event.stream_revision == 2
    assert caught_up.caught_up.stream_revision == 2


async def test_a_subscription_starts_at_the_end(caller: Caller) -> None:
    await caller.append("s", event(), event())
    call = await caller.begin(streams.READ, read_request("s", start={"end": {}}, **LIVE))
    assert kinds(await call.take(2)) == ["confirmation", "caught_up"]
    await caller.append("s", event("new"))
    assert (await call.next()).event.event.stream_revision == 2


async def test_a_number_beyond_the_end_is_waited_for(caller: Caller) -> None:
    await caller.append("s", event())
    call = await caller.begin(streams.READ, read_request("s", start={"revision": 2}, **LIVE))
    assert kinds(await call.take(2)) == ["confirmation", "caught_up"]
    await caller.append("s", *(event() for _ in range(4)))
    assert [message.event.event.stream_revision for message in await call.take(2)] == [3, 4]


@pytest.mark.parametrize("start", [{"start": {}}, {"end": {}}])
async def test_a_missing_stream_is_waited_for(caller: Caller, start: dict[str, Any]) -> None:
    call = await caller.begin(streams.READ, read_request("s", start=start, **LIVE))
    _, caught_up = await call.take(2)
    assert not caught_up.caught_up.HasField("stream_revision")
    await caller.append("s", event())
    assert (await call.next()).event.event.stream_revision == 0


STARTS: dict[str, tuple[dict[str, Any], dict[str, int | None]]] = {
    "start": ({"start": {}}, {"s": 2, "emptied": None, "deleted": None, "missing": None}),
    "end": ({"end": {}}, {"s": 2, "emptied": 2, "deleted": 2, "missing": None}),
    "number": ({"revision": 1}, {"s": 2, "emptied": 1, "deleted": 1, "missing": 1}),
}
"""Number in `caught_up` for each stream, by the start of the subscription, as KurrentDB 26.1 sends it."""


@pytest.mark.parametrize("case", STARTS)
async def test_caught_up_has_the_last_number_or_the_start(caller: Caller, case: str) -> None:
    for stream in ("s", "emptied", "deleted"):
        await caller.append(stream, event(), event(), event())
    await caller.append("$$emptied", event("$metadata", b'{"$tb": 3}'))
    options = {"stream_identifier": {"stream_name": b"deleted"}, "any": {}}
    await caller.ask(streams.DELETE, streams.DeleteRequest(options=options))
    start, expected = STARTS[case]
    for stream, number in expected.items():
        call = await caller.begin(streams.READ, read_request(stream, start=start, **LIVE))
        while kinds([message := await call.next()]) != ["caught_up"]:
            pass
        caught_up = message.caught_up
        assert (caught_up.stream_revision if caught_up.HasField("stream_revision") else None) == number


@pytest.mark.parametrize("wanted", [{}, {"filter": {"event_type": {"prefix": ["x"]}, "count": {}}}])
async def test_caught_up_from_the_end_of_the_log_has_its_end(caller: Caller, wanted: dict[str, Any]) -> None:
    if wanted:
        wanted["filter"]["checkpoint_interval_multiplier"] = 1
    from_end = read_request(None, start={"end": {}}, **wanted, **LIVE)
    _, nowhere = await (await caller.begin(streams.READ, from_end)).take(2)
    assert not nowhere.caught_up.HasField("position")
    last = (await caller.append("s", event(), event())).only.success.position.commit_position
    _, at_end = await (await caller.begin(streams.READ, from_end)).take(2)
    position = at_end.caught_up.position
    assert position.commit_position == position.prepare_position == last


async def test_a_soft_deleted_stream_goes_on(caller: Caller) -> None:
    await caller.append("s", event(), event())
    call = await caller.begin(streams.READ, read_request("s", start={"end": {}}, **LIVE))
    await call.take(2)
    options = {"stream_identifier": {"stream_name": b"s"}, "any": {}}
    await caller.ask(streams.DELETE, streams.DeleteRequest(options=options))
    await caller.append("s", event())
    assert (await call.next()).event.event.stream_revision == 2


async def test_a_tombstone_ends_a_subscription(caller: Caller) -> None:
    await caller.append("s", event())
    call = await caller.begin(streams.READ, read_request("s", **LIVE))
    await call.take(3)
    options = {"stream_identifier": {"stream_name": b"s"}, "any": {}}
    await caller.ask(streams.TOMBSTONE, streams.DeleteRequest(options=options))
    assert (await call.next()).event.event.stream_revision == MAX_EVENT_NUMBER
    answer = await call.end()
    assert (answer.code, answer.error) == (StatusCode.FAILED_PRECONDITION, "stream-deleted")
    again = await caller.ask(streams.READ, read_request("s", **LIVE))
    assert (again.messages, again.error) == ([], "stream-deleted")


async def test_the_log_is_followed_from_a_position(caller: Caller) -> None:
    first = (await caller.append("a", event())).only.success.position.commit_position
    await caller.append("b", event("second"))
    start = {"position": {"commit_position": first, "prepare_position": first}}
    call = await caller.begin(streams.READ, read_request(None, start=start, **LIVE))
    _, found, caught_up = await call.take(3)
    assert found.event.event.metadata["type"] == "second"
    assert caught_up.caught_up.position.commit_position == found.event.commit_position
    await caller.append("c", event("third"))
    assert (await call.next()).event.event.metadata["type"] == "third"


async def test_events_below_a_start_past_the_end_do_not_come(caller: Caller) -> None:
    start = {"position": {"commit_position": 300, "prepare_position": 300}}
    call = await caller.begin(streams.READ, read_request(None, start=start, **LIVE))
    await call.take(2)
    await caller.append("s", event("below", bytes(400)))
    await caller.append("s", event("above"))
    assert (await call.next()).event.event.metadata["type"] == "above"


async def test_a_start_inside_a_record_is_refused(caller: Caller) -> None:
    await caller.append("s", event(), event())
    start = {"position": {"commit_position": 65, "prepare_position": 65}}
    answer = await caller.ask(streams.READ, read_request(None, start=start, **LIVE))
    assert kinds(answer.messages) == ["confirmation"]
    assert (answer.code, answer.status.message) == (
        StatusCode.INVALID_ARGUMENT,
        "Trying to read from an invalid position.",
    )


async def test_a_start_inside_the_last_record_is_past_the_end(caller: Caller) -> None:
    await caller.append("s", event())
    start = {"position": {"commit_position": 65, "prepare_position": 65}}
    assert (await caller.ask(streams.READ, read_request(None, start=start))).messages == []
    call = await caller.begin(streams.READ, read_request(None, start=start, **LIVE))
    assert kinds(await call.take(2)) == ["confirmation", "caught_up"]
    await caller.append("s", event("next"))
    assert (await call.next()).event.event.metadata["type"] == "next"


def wanted(prefix: str, window: int, multiplier: int) -> dict[str, Any]:
    return {
        "event_type": {"prefix": [prefix]},
        "max": window,
        "checkpoint_interval_multiplier": multiplier,
    }


async def test_a_filter_reports_its_progress(caller: Caller) -> None:
    for number in range(6):
        await caller.append("s", event("a" if number % 3 == 0 else "b"))
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 2, 2), **LIVE))
    messages = await call.take(6)
    assert kinds(messages) == ["confirmation", "event", "event", "checkpoint", "checkpoint", "caught_up"]
    at = messages[3].checkpoint
    assert messages[2].event.commit_position == at.commit_position == at.prepare_position
    assert at.HasField("timestamp")
    last = messages[4].checkpoint  # where the last page begins, which has no events
    assert (last.commit_position > at.commit_position, last.prepare_position) == (True, 0)
    assert messages[5].caught_up.position.commit_position == last.commit_position
    for _ in range(4):
        await caller.append("s", event("b"))
    assert kinds([await call.next()]) == ["checkpoint"]
    await caller.append("s", event("a"))
    assert (await call.next()).event.event.metadata["type"] == "a"


async def test_a_checkpoint_precedes_the_end_if_an_event_has_none(caller: Caller) -> None:
    """The interval ends later. Events that do not match do not move the checkpoint."""
    await caller.append("s", event("a"), event("b"))
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 10, 1), **LIVE))
    messages = await call.take(4)
    assert kinds(messages) == ["confirmation", "event", "checkpoint", "caught_up"]
    position = messages[1].event.commit_position
    assert messages[2].checkpoint.commit_position == position
    assert messages[3].caught_up.position.commit_position == position


async def test_a_checkpoint_without_an_event_is_where_its_interval_began(caller: Caller) -> None:
    await caller.append("s", *(event("b") for _ in range(5)))
    log = (await caller.ask(streams.READ, read_request())).messages
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 2, 1), **LIVE))
    messages = await call.take(5)
    assert kinds(messages) == ["confirmation", *["checkpoint"] * 3, "caught_up"]
    places = [(each.checkpoint.commit_position, each.checkpoint.prepare_position) for each in messages[1:4]]
    assert places == [(0, 0), *((log[number].event.commit_position, 0) for number in (2, 4))]
    assert messages[4].caught_up.position.commit_position == places[2][0]


async def test_a_page_without_events_moves_the_checkpoint_to_its_beginning(caller: Caller) -> None:
    """The checkpoint of an interval is not at the last event of the interval if a later page has none."""
    await caller.append("s", *map(event, "abbbba"))
    log = (await caller.ask(streams.READ, read_request())).messages
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 2, 2), **LIVE))
    messages = await call.take(6)
    assert kinds(messages) == ["confirmation", "event", "checkpoint", "event", "checkpoint", "caught_up"]
    first, last = messages[2].checkpoint, messages[4].checkpoint
    assert (first.commit_position, first.prepare_position) == (log[2].event.commit_position, 0)
    assert last.commit_position == last.prepare_position == log[5].event.commit_position


@pytest.mark.parametrize("number", [0, 2])
async def test_a_start_before_the_end_is_the_checkpoint_if_nothing_passes(caller: Caller, number: int) -> None:
    await caller.append("s", event("b"), event("b"), event("b"))
    log = (await caller.ask(streams.READ, read_request())).messages
    place = log[number].event.event
    position = {"commit_position": place.commit_position, "prepare_position": place.prepare_position}
    start = {"position": position}
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 10, 1), start=start, **LIVE))
    is_end = number == 2
    messages = await call.take(2 if is_end else 3)
    assert kinds(messages) == ["confirmation", *(() if is_end else ("checkpoint",)), "caught_up"]
    if not is_end:
        assert messages[1].checkpoint.commit_position == place.commit_position
    assert messages[-1].caught_up.position.commit_position == place.commit_position


async def test_a_filter_from_the_end_begins_without_a_checkpoint(caller: Caller) -> None:
    await caller.append("s", event("b"))
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 1, 1), start={"end": {}}, **LIVE))
    assert kinds(await call.take(2)) == ["confirmation", "caught_up"]


async def test_many_events_that_pass_are_on_pages_of_32(caller: Caller) -> None:
    await caller.append("s", *(event("a") for _ in range(100)), *(event("b") for _ in range(10)))
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 40, 1), **LIVE))
    messages = await call.take(105)
    places = {number: each for number, each in enumerate(messages) if not each.HasField("event")}
    assert kinds(list(places.values())) == ["confirmation", *["checkpoint"] * 3, "caught_up"]
    assert list(places) == [0, 65, 98, 103, 104]


async def test_a_subscription_resumes_from_a_checkpoint(caller: Caller) -> None:
    for name in ("b", "b", "b"):
        await caller.append("s", event(name))
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 1, 1), **LIVE))
    messages = await call.take(5)
    assert kinds(messages) == ["confirmation", *["checkpoint"] * 3, "caught_up"]
    last = messages[3].checkpoint
    call.cancel()
    await caller.append("s", event("a"))
    start = {"position": {"commit_position": last.commit_position, "prepare_position": last.prepare_position}}
    call = await caller.begin(streams.READ, read_request(None, filter=wanted("a", 1, 1), start=start, **LIVE))
    messages = await call.take(4)
    assert kinds(messages) == ["confirmation", "checkpoint", "event", "checkpoint"]
    assert messages[2].event.event.metadata["type"] == "a"


async def test_a_filter_needs_a_multiplier(caller: Caller) -> None:
    answer = await caller.ask(streams.READ, read_request(None, filter=wanted("a", 1, 0), **LIVE))
    assert answer.code is StatusCode.UNKNOWN


async def test_a_slow_client_holds_back_only_itself(server: EmbeddedServer, caller: Caller) -> None:
    """For a client that does not read, the server buffers one page, and reads the rest from the store later."""
    async with calling(server) as slow:
        call = await slow.begin(streams.READ, read_request("s", **LIVE))
        await call.take(2)
        call.pause()
        for _ in range(30):
            await caller.append("s", *(event(data=bytes(10_000)) for _ in range(20)))
        [connection] = [each for each in server._grpc._connections if each._calls]
        assert connection._machine.buffered_bytes < 2_000_000
        call.resume()
        messages = [message async for message in events_until(call, 600)]
        assert [message.event.event.stream_revision for message in messages] == list(range(600))


async def events_until(call: Any, count: int) -> Any:
    """Yield the next events of a call, without its other messages."""
    while count:
        message = await call.next()
        if message.HasField("event"):
            count -= 1
            yield message


async def test_a_lost_permission_ends_a_subscription() -> None:
    async with serving() as server, calling(server) as caller:
        await caller.append("s", event())
        call = await caller.begin(streams.READ, read_request("s", **LIVE))
        await call.take(3)
        acl = event("$metadata", b'{"$acl":{"$r":"admin"}}')
        assert (await caller.append("$$s", acl, metadata=ADMIN)).code is StatusCode.OK
        await caller.append("s", event())
        assert (await call.end()).error == "access-denied"
