"""The event store, or the program that serves the page, stops and starts again."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.harness import Site, count

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

STORE_LOST = "The event store cannot be reached."
PAGE_LOST = "This page has lost its server."


async def watch(page: Page, site: Site) -> None:
    """Open the live view, and wait for the first event."""
    await page.goto(site.at("live", stream="orders", **{"from": "start"}))
    await site.write("orders", "Before")
    await expect(count(page, "received")).to_have_text("1")


async def seen(page: Page) -> list[str]:
    """Return the numbers of the events in the table, the newest first."""
    return await page.get_by_role("button", name="Open event").all_inner_texts()


async def test_a_lost_store_is_named_and_events_go_on_without_a_gap(page: Page, site: Site) -> None:
    await watch(page, site)
    site.network.refuse()
    await expect(page.get_by_role("alert").filter(has_text=STORE_LOST)).to_be_visible()
    await expect(page.get_by_text("Store not reachable")).to_be_visible()
    async with site.other_client() as other:
        await other.publish("orders", site.events("During", "During"))
    site.network.restore()
    await expect(page.get_by_role("alert").filter(has_text=STORE_LOST)).to_be_hidden()
    await expect(count(page, "received")).to_have_text("3")
    await site.write("orders", "After")
    await expect(count(page, "received")).to_have_text("4")
    assert await seen(page) == ["3", "2", "1", "0"]
    await expect(page.get_by_text("Fell behind:")).to_be_visible()


async def test_a_lost_page_is_named_and_events_go_on_without_a_gap(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.stop_page()
    await expect(page.get_by_role("alert").filter(has_text=PAGE_LOST)).to_be_visible()
    await expect(page.get_by_text("Connecting again")).to_be_visible()
    await site.write("orders", "During", "During")
    await site.start_page()
    await expect(page.get_by_role("alert").filter(has_text=PAGE_LOST)).to_be_hidden()
    await expect(count(page, "received")).to_have_text("3")
    await site.write("orders", "After")
    await expect(count(page, "received")).to_have_text("4")
    assert await seen(page) == ["3", "2", "1", "0"]


async def test_a_paused_page_resumes_without_a_gap_after_an_outage(page: Page, site: Site) -> None:
    await watch(page, site)
    await page.get_by_role("button", name="Pause").click()
    await site.write("orders", "Paused")
    await site.stop_page()
    await expect(page.get_by_role("alert").filter(has_text=PAGE_LOST)).to_be_visible()
    await site.write("orders", "During")
    await site.start_page()
    await page.get_by_role("button", name="Resume").click()
    await expect(count(page, "received")).to_have_text("3")
    assert await seen(page) == ["2", "1", "0"]


async def test_a_view_that_failed_loads_when_the_page_is_back(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await expect(page.get_by_role("link", name="orders")).to_be_visible()
    await site.stop_page()
    await page.get_by_role("link", name="orders").click()
    await expect(page.get_by_role("alert").filter(has_text="does not reply")).to_be_visible()
    await site.start_page()
    await expect(page.locator(".events .at")).to_have_text(["0"])


async def test_the_list_goes_on_when_the_page_is_back(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await expect(page.get_by_role("link", name="orders")).to_be_visible()
    await site.stop_page()
    await expect(page.get_by_role("alert").filter(has_text=PAGE_LOST)).to_be_visible()
    await site.write("invoices", "InvoiceSent")
    await site.start_page()
    await expect(page.get_by_role("link", name="invoices")).to_be_visible()


async def test_a_restarted_page_has_another_token_and_can_write(page: Page, site: Site) -> None:
    await page.goto(site.at("write", stream="orders"))
    append = page.get_by_role("region", name="Append an event")
    await append.get_by_label("Type").fill("OrderPlaced")
    await site.stop_page()
    await site.start_page()
    await append.get_by_role("button", name="Append").click()
    await expect(append.get_by_text("Event 0 is in orders.")).to_be_visible()
