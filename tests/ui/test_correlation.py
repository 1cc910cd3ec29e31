"""`/api/correlation`: the events that belong together."""

from __future__ import annotations

import rxpump
from tests.ui.harness import Browser, encoded


async def test_an_id_finds_the_event_its_effects_and_its_correlation(browser: Browser, client: rxpump.Client) -> None:
    placed = rxpump.NewEvent("OrderPlaced", {}, metadata={"$correlationId": "order/1"})
    paid = rxpump.NewEvent("OrderPaid", {}, metadata={"$correlationId": "order/1", "$causationId": str(placed.id)})
    await client.publish("orders", [placed, rxpump.NewEvent("OrderPlaced", {}), paid])

    by_correlation = await browser.get(f"/api/correlation/{encoded('order/1')}")
    assert [event["type"] for event in by_correlation["events"]] == ["OrderPaid", "OrderPlaced"]
    assert by_correlation["examined"] >= 3

    by_cause = await browser.get(f"/api/correlation/{placed.id}")
    assert [event["type"] for event in by_cause["events"]] == ["OrderPaid", "OrderPlaced"]


async def test_an_unknown_id_finds_no_event(browser: Browser) -> None:
    assert (await browser.get("/api/correlation/unknown"))["events"] == []


async def test_the_state_of_the_connection_is_known(browser: Browser) -> None:
    assert (await browser.get("/api/status"))["state"] == "connected"
