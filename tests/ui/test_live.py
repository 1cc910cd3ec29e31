"""`/api/live`: events as they are written."""

from __future__ import annotations

import rxpump
from tests.ui.harness import Browser, events_until, until


async def test_existing_events_and_new_ones_arrive_in_order(browser: Browser, client: rxpump.Client) -> None:
    await client.publish("ponies", [rxpump.NewEvent("Jumped", {"n": n}) for n in range(3)])
    async with browser.messages("/api/live", stream="ponies", **{"from": "start"}) as messages:
        before = await until(messages, "caught_up")
        assert [event["number"] for each in before if each.event == "events" for event in each.data] == [0, 1, 2]
        await client.publish_event("ponies", "Landed", {"n": 3})
        (landed,) = await events_until(messages, 1)
    assert (landed["stream"], landed["number"], landed["type"]) == ("ponies", 3, "Landed")
    assert landed["data"] == {"kind": "json", "text": '{"n":3}', "size": 7}
