"""The view that writes, which only a writable page has."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from rxpump.errors import StreamDeleted, StreamNotFound
from tests.browser.harness import Site, new_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


async def form(page: Page, site: Site, name: str, stream: str = "orders") -> Locator:
    """Open the view, and return one of its forms."""
    await page.goto(site.at("write", stream=stream))
    return page.get_by_role("region", name=name)


async def test_an_event_is_appended(page: Page, site: Site) -> None:
    append = await form(page, site, "Append an event")
    await append.get_by_label("Type").fill("OrderPlaced")
    await append.get_by_label("Data", exact=True).fill('{"price": 12.50}')
    await append.get_by_role("button", name="Append").click()
    await expect(append.get_by_role("status")).to_have_text("Event 0 is in orders.")
    event = await site.client.get_event("orders", 0)
    assert (event.type, event.data) == ("OrderPlaced", b'{"price": 12.50}')


async def test_data_that_are_not_json_are_not_sent(page: Page, site: Site) -> None:
    append = await form(page, site, "Append an event")
    await append.get_by_label("Type").fill("OrderPlaced")
    await append.get_by_label("Data", exact=True).fill('{\n  "price": }')
    await expect(append.get_by_text("This is not JSON at line 2, column 12.")).to_be_visible()
    await append.get_by_role("button", name="Append").click()
    await expect(append.get_by_label("Data", exact=True)).to_be_focused()
    with pytest.raises(StreamNotFound):
        await site.client.get_event("orders")


async def test_another_version_is_refused(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced", "OrderPaid")
    append = await form(page, site, "Append an event")
    await append.get_by_label("Type").fill("OrderPlaced")
    await append.get_by_label("Expected version").select_option("The last event has this number")
    await append.get_by_label("Number of the last event").fill("0")
    await append.get_by_role("button", name="Append").click()
    await expect(append.get_by_role("alert").filter(has_text="orders")).to_be_visible()
    assert (await site.client.get_event("orders")).number == 1


async def test_metadata_are_loaded_and_set(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await site.client.set_metadata("orders", max_count=5)
    metadata = await form(page, site, "Set metadata")
    await metadata.get_by_role("button", name="Load the current metadata").click()
    await expect(metadata.get_by_label("Metadata of the stream")).to_have_value('{"$maxCount":5}')
    await metadata.get_by_label("Metadata of the stream").fill('{"$maxCount": 7}')
    await metadata.get_by_role("button", name="Set metadata").click()
    await expect(metadata.get_by_text("The metadata of orders are set.")).to_be_visible()
    assert (await site.client.get_metadata("orders")).metadata.max_count == 7


async def test_a_stream_is_deleted_after_a_question(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    delete = await form(page, site, "Delete a stream")
    await delete.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(delete.get_by_text("orders is deleted.")).to_be_visible()
    with pytest.raises(StreamNotFound):
        await site.client.get_event("orders")


async def test_a_stream_is_tombstoned_after_its_name_is_typed(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    delete = await form(page, site, "Delete a stream")
    await delete.get_by_label("Tombstone").check()
    await delete.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Tombstone")).to_be_disabled()
    await dialog.get_by_label("Type the name to confirm").fill("orders")
    await dialog.get_by_role("button", name="Tombstone").click()
    await expect(delete.get_by_text("orders is tombstoned.")).to_be_visible()
    with pytest.raises(StreamDeleted):
        await site.client.get_event("orders")


async def test_a_page_that_only_reads_has_no_view_for_it(tab: Page) -> None:
    async with new_site(writable=False) as site:
        await site.write("orders", "OrderPlaced")
        await tab.goto(site.at("stream", "orders"))
        await expect(tab.locator(".events .at")).to_have_text(["0"])
        await expect(tab.get_by_role("link", name="Write")).to_have_count(0)
        await expect(tab.get_by_role("link", name="Append or delete")).to_have_count(0)
        await tab.goto("about:blank")
