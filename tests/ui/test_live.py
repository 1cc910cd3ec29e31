"""`/api/live`: events as they are written, for a stream, `$all`, or a filter."""

from __future__ import annotations

from typing import Any

import pytest

import rxpump
from rxpump import NewEvent
from tests.ui.harness import Browser, Message, events_until, until


def received(messages: list[Message]) -> list[Any]:
    return [event for message in messages if message.event == "events" for event in message.data]


async def write(client: rxpump.Client, stream: str, *types: str) -> None:
    await client.publish(stream, [NewEvent(type) for type in types])


async def test_existing_events_and_new_ones_arrive_in_order(browser: Browser, client: rxpump.Client) -> None:
    await client.publish("ponies", [NewEvent("Jumped", {"n": n}) for n in range(3)])
    async with browser.messages("/api/live", stream="ponies", **{"from": "start"}) as messages:
        before = await until(messages, "caught_up")
        assert [event["number"] for event in received(before)] == [0, 1, 2]
        await client.publish_event("ponies", "Landed", {"n": 3})
        (landed,) = await events_until(messages, 1)
    assert (landed["stream"], landed["number"], landed["type"]) == ("ponies", 3, "Landed")
    assert landed["data"] == {"kind": "json", "text": '{"n":3}', "size": 7}


async def test_the_first_messages_have_the_state_and_the_position(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", "a", "b")
    async with browser.messages("/api/live", stream="ponies") as messages:
        seen = await until(messages, "caught_up")
    by_name = {message.event: message for message in seen}
    assert by_name["state"].data["state"] == "connected"
    assert (by_name["checkpoint"].id, by_name["checkpoint"].data) == ("1", {"place": "1"})


async def test_all_streams_arrive_with_their_links(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", "a")
    async with browser.messages("/api/live", all=1) as messages:
        await until(messages, "caught_up")
        await write(client, "others", "b")
        await client.link_to("links", await client.get_event("ponies"))
        other, link = await events_until(messages, 2)
    assert (other["stream"], other["link"]) == ("others", None)
    assert other["position"] is not None
    assert (link["stream"], link["type"], link["link"]["target"]) == (
        "links",
        "$>",
        {"stream": "ponies", "number": 0},
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"types": "a"}, ["x-1 a", "y-1 a", "z a"]),
        ({"types": "a,b"}, ["x-1 a", "x-1 b", "y-1 a", "z a"]),
        ({"prefixes": "x-"}, ["x-1 a", "x-1 b", "x-1 aa"]),
        ({"prefixes": "x-,y-"}, ["x-1 a", "x-1 b", "x-1 aa", "y-1 a"]),
        ({"prefixes": "x-,y-", "types": "a"}, ["x-1 a", "y-1 a"]),
        ({"prefixes": ".-"}, []),
    ],
)
async def test_a_filter_selects_events(
    query: dict[str, str], expected: list[str], browser: Browser, client: rxpump.Client
) -> None:
    await write(client, "x-1", "a", "b", "aa")
    await write(client, "y-1", "a")
    await write(client, "z", "a")
    async with browser.messages("/api/live", **{"all": "1", "from": "start"} | query) as messages:
        seen = received(await until(messages, "caught_up"))
    assert [f"{event['stream']} {event['type']}" for event in seen if event["stream"][0] != "$"] == expected


async def test_system_streams_are_left_out_on_demand(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", "a")
    await client.set_metadata("ponies", max_count=10)
    await client.link_to("links", await client.get_event("ponies"))
    for system, expected in (("0", {"ponies", "links"}), ("1", {"ponies", "links", "$$ponies"})):
        async with browser.messages("/api/live", all="1", system=system, **{"from": "start"}) as messages:
            seen = received(await until(messages, "caught_up"))
        streams = {event["stream"] for event in seen}
        assert streams >= expected
        assert (system == "1") == any(stream.startswith("$") for stream in streams)


async def test_a_stream_is_filtered_by_type(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", "a", "b", "a", "c")
    async with browser.messages("/api/live", stream="ponies", types="a,c", **{"from": "1"}) as messages:
        seen = received(await until(messages, "caught_up"))
    assert [event["number"] for event in seen] == [2, 3]


@pytest.mark.parametrize("query", [{"stream": "ponies"}, {"all": 1}, {"all": 1, "types": "T"}])
async def test_a_browser_resumes_without_a_gap(
    query: dict[str, Any], browser: Browser, client: rxpump.Client
) -> None:
    await write(client, "ponies", "T", "T")
    seen: list[int] = []
    last: str | None = None
    for _ in range(3):  # what is written while the browser is away arrives when it is back
        async with browser.messages("/api/live", last_id=last, **query) as messages:
            for message in await until(messages, "caught_up"):
                last = message.id or last
                seen += [event["number"] for event in received([message])]
            await write(client, "ponies", "T")
            (message,) = (await until(messages, "events"))[-1:]
            last = message.id
            seen += [event["number"] for event in message.data]
        await write(client, "ponies", "T")
    assert seen == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("query", [{"stream": "new"}, {"all": 1}])
async def test_a_browser_that_saw_no_event_resumes_at_its_start(
    query: dict[str, Any], browser: Browser, client: rxpump.Client
) -> None:
    await write(client, "other", "T")
    async with browser.messages("/api/live", **query) as messages:
        (checkpoint,) = (await until(messages, "checkpoint"))[-1:]
    await write(client, "new", "T")
    async with browser.messages("/api/live", last_id=checkpoint.id, **query) as messages:
        assert [event["stream"] for event in await events_until(messages, 1)] == ["new"]


async def test_a_stream_without_events_resumes_from_its_first(browser: Browser, client: rxpump.Client) -> None:
    async with browser.messages("/api/live", stream="new") as messages:
        (checkpoint,) = (await until(messages, "checkpoint"))[-1:]
    assert checkpoint.id == "none"
    await write(client, "new", "T")
    async with browser.messages("/api/live", stream="new", last_id="none") as messages:
        assert [event["number"] for event in await events_until(messages, 1)] == [0]


async def test_a_truncated_stream_shows_new_events(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "emptied", "T", "T")
    await client.set_metadata("emptied", truncate_before=2)
    async with browser.messages("/api/live", stream="emptied") as messages:
        await until(messages, "caught_up")
        await write(client, "emptied", "T")
        assert [event["number"] for event in await events_until(messages, 1)] == [2]


async def test_a_failed_subscription_ends_with_the_reason(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "doomed", "T")
    async with browser.messages("/api/live", stream="doomed") as messages:
        await until(messages, "caught_up")
        await client.delete_stream("doomed", hard=True)
        (failed,) = (await until(messages, "failed"))[-1:]
        assert failed.data["error"]["kind"] == "StreamDeleted"
        assert [message async for message in messages] == []


@pytest.mark.parametrize(
    ("path", "argument"),
    [
        ("/api/live", "stream"),
        ("/api/live?all=1&stream=a", "stream"),
        ("/api/live?all=0", "stream"),
        ("/api/live?all=1&from=5", "from"),
        ("/api/live?stream=a&from=5/5", "from"),
        ("/api/live?stream=a&from=x", "from"),
        ("/api/live?stream=", "stream"),
    ],
)
async def test_a_wrong_argument_is_refused(path: str, argument: str, browser: Browser) -> None:
    assert (await browser.error(400, path))["argument"] == argument


async def test_a_wrong_last_event_id_is_refused(browser: Browser) -> None:
    reply = await browser.http.get("/api/live?all=1", headers={"last-event-id": "x"})
    assert (reply.status_code, reply.json()["error"]["argument"]) == (400, "Last-Event-ID")


async def test_a_burst_arrives_in_few_messages(browser: Browser, client: rxpump.Client) -> None:
    await client.publish("ponies", [NewEvent("T") for _ in range(1000)])
    async with browser.messages("/api/live", stream="ponies", **{"from": "start"}) as messages:
        seen = await until(messages, "caught_up")
    batches = [message for message in seen if message.event == "events"]
    assert [event["number"] for event in received(batches)] == list(range(1000))
    assert len(batches) < 50
    assert batches[-1].id == "999"
