"""`/api/stream` and `/api/event`: the pages of one stream, and single events."""

from __future__ import annotations

from typing import Any

import pytest

import rxpump
from rxpump import NewEvent
from rxpump.ui.routes import stream as stream_view
from tests.ui.harness import Browser, encoded

DOTS = [".", "..", "...", "=.", "=..", "%2E"]


def numbers(page: dict[str, Any]) -> list[int]:
    return [event["number"] for event in page["events"]]


async def write(client: rxpump.Client, stream: str, count: int) -> None:
    await client.publish(stream, [NewEvent("Jumped", {"n": n}) for n in range(count)])


async def test_pages_lead_from_the_newest_event_to_the_first(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", 5)
    seen, start = [], "end"
    while True:
        page = await browser.get("/api/stream/ponies", count=2, **{"from": start})
        assert (page["first_number"], page["last_number"], page["state"]) == (0, 4, "live")
        seen.append(numbers(page))
        if page["is_end"]:
            assert page["next"] is None
            break
        start = page["next"]
    assert seen == [[4, 3], [2, 1], [0]]


async def test_pages_lead_forward_too(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", 3)
    first = await browser.get("/api/stream/ponies", count=2, direction="forward")
    assert (numbers(first), first["next"], first["is_end"]) == ([0, 1], 2, False)
    last = await browser.get("/api/stream/ponies", count=2, direction="forward", **{"from": first["next"]})
    assert (numbers(last), last["next"], last["is_end"]) == ([2], None, True)


@pytest.mark.parametrize(("start", "expected"), [(1, [1, 0]), (0, [0]), (999, [4, 3]), ("start", [0])])
async def test_a_page_can_start_at_a_number(
    start: int | str, expected: list[int], browser: Browser, client: rxpump.Client
) -> None:
    await write(client, "ponies", 5)
    assert numbers(await browser.get("/api/stream/ponies", count=2, **{"from": start})) == expected


async def test_an_event_has_all_its_values(browser: Browser, client: rxpump.Client) -> None:
    new = NewEvent("Jumped", {"n": 1}, metadata={"$correlationId": "c-1", "$causationId": "c-0", "user": "zoë"})
    await client.publish("ponies", [new])
    (event,) = (await browser.get("/api/stream/ponies"))["events"]
    assert event.pop("time").endswith("+00:00")
    event.pop("position")  # Some protocols report it.
    assert event == {
        "stream": "ponies",
        "number": 0,
        "type": "Jumped",
        "id": str(new.id),
        "data": {"kind": "json", "text": '{"n":1}', "size": 7},
        "metadata": {"kind": "json", "text": new.metadata.decode(), "size": len(new.metadata)},
        "correlation_id": "c-1",
        "causation_id": "c-0",
        "link": None,
    }


async def test_links_are_resolved_with_both_ends(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", 2)
    await client.publish_event("lost", "X")
    await client.link_to("links", await client.get_event("ponies", 1))
    await client.link_to("links", await client.get_event("lost", 0))
    await client.delete_stream("lost")
    broken, whole = (await browser.get("/api/stream/links"))["events"]
    assert (whole["stream"], whole["number"], whole["type"]) == ("ponies", 1, "Jumped")
    assert (whole["link"]["stream"], whole["link"]["number"], whole["link"]["type"]) == ("links", 0, "$>")
    assert (whole["link"]["target"], whole["link"]["is_broken"]) == ({"stream": "ponies", "number": 1}, False)
    assert (broken["stream"], broken["number"], broken["type"]) == ("links", 1, "$>")
    assert broken["link"]["target"] is None
    assert (broken["link"]["leads_to"], broken["link"]["is_broken"]) == ("0@lost", True)


async def test_the_pages_of_links_follow_the_numbers_of_links(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", 3)
    for number in (2, 0, 1):
        await client.link_to("links", await client.get_event("ponies", number))
    page = await browser.get("/api/stream/links", count=2)
    assert (numbers(page), page["next"]) == ([1, 0], 0)


async def test_a_truncated_stream_is_marked(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", 5)
    await client.set_metadata("ponies", truncate_before=3, max_age=3600)
    page = await browser.get("/api/stream/ponies")
    assert (numbers(page), page["first_number"], page["truncated_before"]) == ([4, 3], 3, 3)
    assert page["is_end"] is True
    assert page["metadata"]["max_age"] == 3600
    assert page["metadata"]["version"] == 0


async def test_deleted_streams_are_marked(browser: Browser, client: rxpump.Client) -> None:
    for stream in ("deleted", "tombstoned"):
        await write(client, stream, 1)
        await client.delete_stream(stream, hard=stream == "tombstoned")
        page = await browser.get(f"/api/stream/{stream}")
        assert (page["state"], page["events"], page["is_end"]) == (stream, [], True)
    await write(client, "deleted", 1)
    revived = await browser.get("/api/stream/deleted")
    assert (revived["state"], numbers(revived), revived["first_number"]) == ("live", [1], 1)


async def test_a_stream_that_was_never_written_is_not_found(browser: Browser, client: rxpump.Client) -> None:
    assert (await browser.error(404, "/api/stream/nothing"))["kind"] == "StreamNotFound"
    await client.set_metadata("prepared", max_count=3)
    page = await browser.get("/api/stream/prepared")
    assert (page["state"], page["events"], page["metadata"]["max_count"]) == ("live", [], 3)


@pytest.mark.parametrize("name", ["a/b", "a b", "%2F", "ü/€", "x?y#z", "$$a/b", "a+b", "\u202eevil", "<b>", *DOTS])
async def test_any_name_of_a_stream_can_be_requested(name: str, browser: Browser, client: rxpump.Client) -> None:
    if name.startswith("$$"):
        await client.set_metadata(name[2:], max_count=3)
    else:
        await write(client, name, 1)
    page = await browser.get(f"/api/stream/{encoded(name)}")
    assert (page["stream"], numbers(page)) == (name, [0])
    assert (await browser.get(f"/api/event/{encoded(name)}/0"))["stream"] == name


@pytest.mark.parametrize(
    ("path", "argument"),
    [
        ("/api/stream/a?count=0", "count"),
        ("/api/stream/a?count=501", "count"),
        ("/api/stream/a?direction=up", "direction"),
        ("/api/stream/a?from=x", "from"),
        ("/api/stream/a?from=1/1", "from"),
        ("/api/stream/%ff", "stream"),
        ("/api/event/a/x", "number"),
        ("/api/event/a/-1", "number"),
    ],
)
async def test_a_wrong_argument_is_refused(path: str, argument: str, browser: Browser) -> None:
    assert (await browser.error(400, path))["argument"] == argument


async def test_an_event_that_does_not_exist_is_not_found(browser: Browser, client: rxpump.Client) -> None:
    await write(client, "ponies", 1)
    assert (await browser.error(404, "/api/event/ponies/7"))["kind"] == "EventNotFound"


async def test_a_page_is_bounded_in_bytes(
    browser: Browser, client: rxpump.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_view, "PAGE_BYTES", 1000)
    await client.publish("ponies", [NewEvent("X", b"x" * 600) for _ in range(3)])
    page = await browser.get("/api/stream/ponies")
    assert (numbers(page), page["next"], page["is_end"]) == ([2], 1, False)
