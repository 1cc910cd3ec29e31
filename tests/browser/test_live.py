"""Live events: marbles that move, a table that grows, and counts of the events that were left out."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.frames import measure
from tests.browser.harness import Site, count, rows
from tests.browser.publishing import publishing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

MOST_ROWS = 200


async def watch(page: Page, site: Site, **query: str | int) -> None:
    """Open the live view, and wait until it has caught up."""
    await page.goto(site.at("live", **query))
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()


def diagram(page: Page) -> Locator:
    """Return the canvas with the marbles."""
    return page.locator("canvas")


def card(page: Page) -> Locator:
    """Return the card next to the selected marble."""
    return page.locator(".marble-card")


def table(page: Page) -> Locator:
    """Return the table of the newest events."""
    return page.get_by_role("region", name="Table")


async def left_of(locator: Locator) -> float:
    """Return the distance of an element from the left of the window in pixels."""
    box = await locator.bounding_box()
    assert box is not None
    return box["x"]


async def test_a_new_event_is_listed(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "OrderPlaced", "OrderPaid")
    await expect(table(page).get_by_role("button", name="Open event")).to_have_count(2)
    found = [row[:4] for row in await rows(table(page)) if len(row) == 5]
    assert found == [["orders", "1", "OrderPaid", '{"n":1}'], ["orders", "0", "OrderPlaced", '{"n":0}']]


async def test_a_marble_moves_to_the_left(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "OrderPlaced")
    await expect(page.locator(".lanes")).to_have_text("OrderPlaced")
    await diagram(page).focus()
    await page.keyboard.press("End")
    await expect(card(page)).to_contain_text("0 in orders")
    first = await left_of(card(page))
    await page.wait_for_function(
        "x => document.querySelector('.marble-card').getBoundingClientRect().x < x - 20", arg=first
    )


async def test_each_type_and_each_stream_has_a_line(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "OrderPlaced", "OrderPaid")
    await site.write("invoices", "InvoiceSent")
    names = page.locator(".lanes li")
    await expect(names).to_have_text(["OrderPlaced", "OrderPaid", "InvoiceSent"])
    await page.get_by_text("By stream").click()
    await expect(names).to_have_text(["orders", "invoices"])
    await site.write("notes", "NoteTaken")
    await expect(names).to_have_text(["orders", "invoices", "notes"])
    await page.get_by_text("By type").click()
    await expect(names).to_have_text(["OrderPlaced", "OrderPaid", "InvoiceSent", "NoteTaken"])


async def test_the_pointer_shows_the_event_of_a_marble(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "OrderPlaced")
    await expect(page.locator(".lanes")).to_have_text("OrderPlaced")
    await page.get_by_role("button", name="Pause").click()
    await diagram(page).focus()
    await page.keyboard.press("End")
    await expect(card(page)).to_be_visible()
    box = await diagram(page).bounding_box()
    assert box is not None
    await page.keyboard.press("Escape")
    await expect(card(page)).to_be_hidden()
    for x in range(int(box["x"] + box["width"]) - 24, int(box["x"]), -6):
        await page.mouse.move(x, box["y"] + 31)
        if await card(page).is_visible():
            break
    await expect(card(page)).to_contain_text("OrderPlaced")
    await page.mouse.down()
    await page.mouse.up()
    await expect(page.get_by_role("region", name="Event", exact=True)).to_contain_text("Event 0 in orders")


async def test_enter_opens_the_event_of_a_marble(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "OrderPlaced", data={"price": 12.5})
    await expect(page.locator(".lanes")).to_have_text("OrderPlaced")
    await diagram(page).focus()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="Data")).to_contain_text("12.5")


async def test_a_paused_page_shows_no_event_until_it_resumes(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "Before")
    await expect(count(page, "received")).to_have_text("1")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Paused: the source waits")).to_be_visible()
    await site.write("orders", "Paused", "Paused")
    await expect(count(page, "rate")).to_have_text("0")
    await expect(count(page, "received")).to_have_text("1")
    await page.get_by_role("button", name="Resume").click()
    await expect(count(page, "received")).to_have_text("3")


async def test_clear_removes_all_marbles(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "OrderPlaced")
    await expect(count(page, "received")).to_have_text("1")
    await page.get_by_role("button", name="Clear").click()
    await expect(page.get_by_text("Waiting for events")).to_be_visible()
    await expect(count(page, "received")).to_have_text("0")
    await site.write("orders", "OrderPaid")
    await expect(table(page).get_by_role("button", name="Open event")).to_have_count(1)


@pytest.mark.parametrize(
    ("kind", "names", "types", "shown"),
    [
        ("All streams", "", "OrderPaid, InvoiceSent", ["OrderPaid", "InvoiceSent"]),
        ("One stream", "invoices", "", ["InvoiceSent"]),
        ("Streams by prefix", "ord, inv", "", ["OrderPlaced", "OrderPaid", "InvoiceSent"]),
        ("Streams by prefix", "ord", "OrderPaid, InvoiceSent", ["OrderPaid"]),
    ],
)
async def test_a_source_is_chosen(
    page: Page, site: Site, kind: str, names: str, types: str, shown: list[str]
) -> None:
    await watch(page, site)
    await page.get_by_role("combobox", name="Streams").select_option(kind)
    if names:
        await page.get_by_label("Names").fill(names)
    await page.get_by_label("Types").fill(types)
    await page.get_by_role("button", name="Watch").click()
    await expect(page.get_by_label("Types")).to_have_value(types)
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    await site.write("orders", "OrderPlaced", "OrderPaid")
    await site.write("invoices", "InvoiceSent")
    await expect(page.locator(".lanes li")).to_have_text(shown)


async def test_system_streams_are_shown_on_demand(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.client.set_metadata("orders", max_count=10)
    await site.write("orders", "OrderPlaced")
    await expect(page.locator(".lanes li")).to_have_text(["OrderPlaced"])
    await page.get_by_label("System streams").check()
    await page.get_by_role("button", name="Watch").click()
    await expect(page.get_by_label("System streams")).to_be_checked()
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    await site.client.set_metadata("orders", max_count=20)
    await expect(page.locator(".lanes li")).to_have_text(["$metadata"])


async def test_a_stream_is_watched_from_its_start(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced", "OrderPaid")
    await watch(page, site, stream="orders", **{"from": "start"})
    await expect(count(page, "received")).to_have_text("2")


async def test_a_start_that_is_refused_is_explained(page: Page, site: Site) -> None:
    await page.goto(site.at("live", **{"from": "yesterday"}))
    await expect(page.get_by_role("alert").filter(has_text="yesterday")).to_be_visible()


async def test_a_fast_stream_is_counted_and_bounded(page: Page, site: Site) -> None:
    await watch(page, site)
    async with publishing(site, 1000):
        await page.wait_for_function(
            "() => Number(document.querySelector('[data-count=received]')?.textContent.replace(',', '')) > 3000"
        )
        assert (await measure(page, 3)).median_ms < 50, "the page draws 20 frames in a second or more"
        await expect(page.locator(".lanes li")).to_have_count(5)
    not_drawn = await count(page, "not-drawn").inner_text()
    assert not_drawn != "0"
    assert await table(page).locator("tbody tr").count() <= MOST_ROWS
