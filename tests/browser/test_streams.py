"""The list of streams, and the page of one stream."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

import rxpump
from tests.browser.harness import Site, rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


def names(page: Page) -> Locator:
    """Return the links to streams."""
    return page.get_by_role("region", name="Streams").locator("tbody a")


def numbers(page: Page) -> Locator:
    """Return the numbers of the events of the list."""
    return page.locator(".events .at")


async def test_streams_are_listed_the_last_written_first(page: Page, site: Site) -> None:
    await expect(page.get_by_text("No events yet")).to_be_visible()
    await site.write("orders", "OrderPlaced", "OrderPaid")
    await site.write("invoices", "InvoiceSent")
    await expect(names(page)).to_have_text(["invoices", "orders"])
    assert [row[:3] for row in await rows(page.get_by_role("table"))] == [
        ["invoices", "1", "InvoiceSent"],
        ["orders", "2", "OrderPaid"],
    ]


async def test_system_streams_are_listed_on_demand(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await site.client.set_metadata("orders", max_count=10)
    await expect(names(page)).to_have_text(["orders"])
    await page.get_by_label("System streams").check()
    await expect(names(page).filter(has_text="$$orders")).to_be_visible()


async def test_a_prefix_finds_streams(page: Page, site: Site) -> None:
    for name in ("order-1", "order-2", "invoice-1"):
        await site.write(name, "Written")
    await page.get_by_role("searchbox").fill("order-")
    await expect(names(page)).to_have_text(["order-2", "order-1"])
    await page.get_by_role("searchbox").fill("nothing")
    await expect(page.get_by_text("No such stream")).to_be_visible()


async def test_an_exact_name_opens_a_stream(page: Page, site: Site) -> None:
    await site.write("a/b c%2F?#", "OrderPlaced")
    await page.get_by_role("searchbox").fill("a/b c%2F?#")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("a/b c%2F?#")
    await expect(numbers(page)).to_have_text(["0"])


@pytest.mark.parametrize("name", [".", "..", "=.", "%2E"])
async def test_a_name_of_dots_is_not_removed_from_the_path(page: Page, site: Site, name: str) -> None:
    """Browsers regard `.` and `..`, also encoded, as steps in a path."""
    await site.client.publish(name, [rxpump.NewEvent("Jumped", {"name": name, "long": "x" * 300_000})])
    await page.goto(site.at("stream", name))
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await page.goto(site.at("stream", name, **{"from": 0}))
    await page.get_by_role("button", name="Load all").click()
    await expect(page.get_by_role("region", name="Data", exact=True)).to_contain_text(f'name: "{name}"')
    await page.goto(site.at())
    await page.get_by_role("searchbox").fill(name)
    await expect(page.get_by_role("region", name="Streams").locator("tbody")).to_contain_text(name)


async def test_a_stream_is_read_page_by_page_to_its_first_event(page: Page, site: Site) -> None:
    await site.write("orders", *["OrderPlaced"] * 120)
    await page.goto(site.at("stream", "orders"))
    await expect(numbers(page).first).to_have_text("119")
    await expect(numbers(page)).to_have_count(50)
    await page.get_by_role("link", name="Older").click()
    await expect(numbers(page).first).to_have_text("69")
    await page.get_by_role("link", name="Older").click()
    await expect(numbers(page).last).to_have_text("0")
    await expect(page.get_by_text("These are the first events")).to_be_visible()
    await page.get_by_role("link", name="Newer").click()
    await expect(numbers(page).first).to_have_text("69")
    await page.get_by_role("link", name="Newest").click()
    await expect(numbers(page).first).to_have_text("119")


async def test_a_number_is_jumped_to(page: Page, site: Site) -> None:
    await site.write("orders", *["OrderPlaced"] * 120)
    await page.goto(site.at("stream", "orders"))
    await page.get_by_label("Number of an event").fill("41")
    await page.keyboard.press("Enter")
    await expect(page.locator("details.event[open] .at")).to_have_text("41")


async def test_an_event_is_shown_with_all_its_values(page: Page, site: Site) -> None:
    cause = rxpump.NewEvent("OrderPlaced", {"order": 1})
    metadata = {"$correlationId": "order-1", "$causationId": str(cause.id), "user": "zoe"}
    paid = rxpump.NewEvent("OrderPaid", {"price": 12345678901234567890}, metadata=metadata)
    await site.client.publish("orders", [cause, paid])
    await page.goto(site.at("stream", "orders", **{"from": 1}))
    event = page.locator("details.event").first
    stored = await site.client.get_event("orders", 1)
    for text in (str(paid.id), f"{stored.created:%Y-%m-%d}"):
        await expect(event).to_contain_text(text)
    await expect(event.get_by_role("region", name="Data", exact=True)).to_contain_text("price: 12345678901234567890")
    await expect(event.get_by_role("region", name="Metadata")).to_contain_text('user: "zoe"')
    await event.get_by_role("link", name="order-1", exact=True).click()
    await expect(page.locator("details.event")).to_have_count(1)
    await page.go_back()
    await event.get_by_role("link", name=str(cause.id)).click()
    await expect(page.locator("details.event .what")).to_have_text(["OrderPaid", "OrderPlaced"])


async def test_an_id_that_no_recent_event_has_is_said(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await page.goto(site.at("correlation", "order-1"))
    await expect(page.get_by_role("heading", name="No recent event")).to_be_visible()
    await expect(page.get_by_text("This id was searched in the last")).to_be_visible()


async def test_large_json_is_folded(page: Page, site: Site) -> None:
    await site.write("orders", "Large", data={"items": [{"n": n} for n in range(1000)]})
    await page.goto(site.at("stream", "orders", **{"from": 0}))
    data = page.get_by_role("region", name="Data")
    await expect(data).to_contain_text("1,000 items")
    await expect(data.locator("li")).to_have_count(1)
    await data.get_by_text("1,000 items").click()
    await expect(data.locator("li")).to_have_count(202)
    await data.get_by_role("button", name="Show 200 more of 800").click()
    await expect(data.locator("li")).to_have_count(402)


async def test_texts_of_json_have_escapes(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced", data={"note": 'two\nlines, "quoted"\t\\'})
    await page.goto(site.at("stream", "orders", **{"from": 0}))
    shown = page.get_by_role("region", name="Data", exact=True)
    await expect(shown).to_contain_text(r'note: "two\nlines, \"quoted\"\t\\"')


async def test_a_link_shows_both_ends(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced", "OrderPaid")
    await site.client.link_to("copies", await site.client.get_event("orders", 1))
    await page.goto(site.at("stream", "copies", **{"from": 0}))
    ends = page.locator(".ends .end")
    await expect(ends).to_have_text(["LinkEvent 0 in copies", "Leads toEvent 1 in orders"])
    await ends.get_by_role("link", name="orders").click()
    await expect(page.locator("details.event[open] .what")).to_have_text("OrderPaid")


async def test_a_deleted_stream_is_named(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await site.client.delete_stream("orders")
    await page.goto(site.at("stream", "orders"))
    await expect(page.get_by_text("This stream was deleted.")).to_be_visible()
    await page.goto(site.at("streams"))
    await expect(page.locator("tbody .badge")).to_have_text("Deleted")


async def test_a_tombstoned_stream_is_named(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await site.client.delete_stream("orders", hard=True)
    await page.goto(site.at("stream", "orders"))
    await expect(page.get_by_text("This stream was tombstoned.")).to_be_visible()
    await expect(page.get_by_role("link", name="Append or delete")).to_have_count(0)
    await expect(page.get_by_role("link", name="Watch live")).to_have_count(0)


async def test_a_truncated_stream_is_named(page: Page, site: Site) -> None:
    await site.write("orders", *["OrderPlaced"] * 30)
    await site.client.set_metadata("orders", truncate_before=10)
    await page.goto(site.at("stream", "orders"))
    await expect(page.get_by_text("The events before number 10 are no longer visible.")).to_be_visible()
    await expect(numbers(page).last).to_have_text("10")


async def test_a_stream_that_was_never_written_is_named(page: Page, site: Site) -> None:
    await page.goto(site.at("stream", "nothing"))
    await expect(page.get_by_text("No such stream")).to_be_visible()
