"""`/api/streams`: the streams that were written to lately, and the search for streams."""

from __future__ import annotations

from typing import Any

import pytest

import rxpump
from rxpump import NewEvent
from rxpump.ui.routes import streams
from tests.ui.harness import Browser


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["stream"] for row in rows]


async def test_the_stream_written_last_is_the_first(browser: Browser, client: rxpump.Client) -> None:
    for stream in ("a", "b", "a", "c", "b"):
        await client.publish_event(stream, f"{stream}-written")
    rows = await browser.get("/api/streams")
    assert names(rows) == ["b", "c", "a"]
    assert {key: rows[0][key] for key in ("events", "first_number", "last_number", "last_type", "state")} == {
        "events": 2,
        "first_number": 0,
        "last_number": 1,
        "last_type": "b-written",
        "state": "live",
    }
    assert 0 <= rows[0]["last_age_seconds"] <= rows[2]["last_age_seconds"] < 60
    assert rows[0]["last_time"].endswith("+00:00")


async def test_system_streams_are_listed_on_demand(browser: Browser, client: rxpump.Client) -> None:
    await client.publish_event("a", "X")
    await client.set_metadata("a", max_count=5)
    assert names(await browser.get("/api/streams")) == ["a"]
    assert names(await browser.get("/api/streams", system=1)) == ["$$a", "a"]


async def test_a_prefix_and_a_limit_shorten_the_list(browser: Browser, client: rxpump.Client) -> None:
    for stream in ("order-1", "order-2", "invoice-1", "order-3"):
        await client.publish_event(stream, "X")
    assert names(await browser.get("/api/streams", prefix="order-")) == ["order-3", "order-2", "order-1"]
    assert names(await browser.get("/api/streams", limit=2)) == ["order-3", "invoice-1"]


async def test_deleted_streams_are_named_as_such(browser: Browser, client: rxpump.Client) -> None:
    for stream in ("deleted", "tombstoned", "truncated", "emptied", "counted", "aged", "revived"):
        await client.publish(stream, [NewEvent("X"), NewEvent("Y")])
    await client.delete_stream("deleted")
    await client.delete_stream("tombstoned", hard=True)
    await client.set_metadata("truncated", truncate_before=1)
    await client.set_metadata("emptied", truncate_before=2)
    await client.set_metadata("counted", max_count=1)
    await client.set_metadata("aged", max_age=3600, truncate_before=1)
    await client.delete_stream("revived")
    await client.publish_event("revived", "Z")
    rows = {row["stream"]: row for row in await browser.get("/api/streams")}
    assert {name: (row["state"], row["events"], row["first_number"]) for name, row in rows.items()} == {
        "deleted": ("deleted", 0, None),
        "tombstoned": ("tombstoned", 0, None),
        "truncated": ("live", 1, 1),
        "emptied": ("live", 0, None),
        "counted": ("live", 1, 1),
        "aged": ("live", 1, 1),
        "revived": ("live", 1, 2),
    }


async def test_a_search_finds_the_name_and_the_prefix(browser: Browser, client: rxpump.Client) -> None:
    for stream in ("order", "order-1", "invoice", "order-2"):
        await client.publish_event(stream, "X")
    assert names(await browser.get("/api/streams/search", prefix="order")) == ["order", "order-2", "order-1"]
    assert names(await browser.get("/api/streams/search", prefix="nothing")) == []
    assert (await browser.error(400, "/api/streams/search"))["kind"] == "InvalidArgument"


async def test_a_search_finds_streams_before_the_tail(
    browser: Browser, client: rxpump.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "TAIL_EVENTS", 3)
    await client.publish_event("early", "X")
    await client.publish("late", [NewEvent("X") for _ in range(5)])
    assert names(await browser.get("/api/streams")) == ["late"]
    assert names(await browser.get("/api/streams/search", prefix="earl")) == ["early"]


async def test_the_tail_is_bounded_in_bytes(
    browser: Browser, client: rxpump.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "TAIL_BYTES", 1000)
    for stream in ("a", "b", "c"):
        await client.publish_event(stream, "X", b"x" * 600)
    assert names(await browser.get("/api/streams")) == ["c"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": "x"}, {"limit": 10**30}, {"system": "yes"}])
async def test_a_wrong_argument_is_refused(query: dict[str, Any], browser: Browser) -> None:
    error = await browser.error(400, "/api/streams", **query)
    assert error["argument"] == next(iter(query))
