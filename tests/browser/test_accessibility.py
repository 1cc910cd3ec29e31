"""The page can be used with a screen reader, with the keyboard alone, and on a screen of 360 pixels."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.harness import MILLISECONDS, Site, count
from tests.browser.views import VIEWS, fill_store

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

WIDE: ViewportSize = {"width": 1280, "height": 860}
NARROW: ViewportSize = {"width": 360, "height": 740}


@pytest.mark.parametrize("width", ["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_no_violation(chromium: Browser, site: Site, theme: str, width: str) -> None:
    await fill_store(site)
    size = WIDE if width == "wide" else NARROW
    context = await chromium.new_context(color_scheme="dark" if theme == "dark" else "light", viewport=size)
    context.set_default_timeout(MILLISECONDS)
    try:
        page = await context.new_page()
        found = []
        for view in VIEWS:
            await view.open(page, site)
            results = await Axe().run(page)
            found += [(view.name, each["id"], nodes(each)) for each in results.response["violations"]]
            overflow = await page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow <= 0, f"{view.name} is {overflow} pixels too wide"
        assert found == []
    finally:
        await context.close()


def nodes(violation: dict[str, list[dict[str, object]]]) -> Iterable[object]:
    """Return the elements that break a rule of axe, with the reason."""
    return [(node["html"], node["failureSummary"]) for node in violation["nodes"][:3]]


async def test_a_table_stays_a_table_on_a_narrow_screen(page: Page, site: Site) -> None:
    await page.set_viewport_size(NARROW)
    await site.write("orders", "OrderPlaced")
    cells = page.get_by_role("table").get_by_role("row").get_by_role("cell")
    await expect(cells).to_have_count(4)
    tree = await page.get_by_role("table").aria_snapshot()
    assert 'cell "orders"' in tree, tree


async def focused(page: Page) -> str:
    """Return the text or the label of the element with the focus."""
    text: str = await page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText ?? ''"
    )
    return text.strip()


async def tab_to(page: Page, text: str) -> None:
    """Press Tab until an element with this text has the focus."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if text in await focused(page):
            return
    raise AssertionError(f"Tab does not reach {text!r}")


async def test_a_stream_is_read_with_the_keyboard_alone(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced", "OrderPaid")
    await expect(page.get_by_role("link", name="orders")).to_be_visible()
    await tab_to(page, "orders")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page.locator(".events .at")).to_have_text(["1", "0"])
    await tab_to(page, "OrderPlaced")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="Data", exact=True)).to_contain_text("n: 0")


async def test_the_focus_stays_while_the_list_changes(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await site.write("invoices", "InvoiceSent")
    await expect(page.get_by_role("link", name="orders")).to_be_visible()
    await page.get_by_role("link", name="orders").focus()
    await site.write("orders", "OrderPaid")
    first = page.get_by_role("region", name="Streams").locator("tbody tr").first
    await expect(first).to_contain_text("OrderPaid")
    await expect(page.get_by_role("link", name="orders")).to_be_focused()


async def test_marbles_are_explored_with_the_keyboard_alone(page: Page, site: Site) -> None:
    await page.goto(site.at("live"))
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    await site.write("orders", "OrderPlaced")
    await expect(count(page, "received")).to_have_text("1")
    await site.write("orders", "OrderPaid")
    await expect(page.locator(".lanes li")).to_have_count(2)
    await page.get_by_role("button", name="Clear").focus()
    await page.get_by_role("application").focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Resume")).to_be_visible()
    await page.keyboard.press("End")
    await expect(page.get_by_role("status").get_by_text("OrderPlaced, event 0 in orders")).to_be_attached()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("status").get_by_text("OrderPaid, event 1 in orders")).to_be_attached()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="Event", exact=True)).to_be_focused()


async def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page, site: Site) -> None:
    await site.write("orders", "OrderPlaced")
    await page.goto(site.at("write", stream="orders"))
    button = page.get_by_role("region", name="Delete a stream").get_by_role("button", name="Delete")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()


async def test_the_first_tab_skips_the_bar(page: Page, site: Site) -> None:
    await expect(page.get_by_text("No events yet")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_colors_follow_the_system_until_the_user_chooses(page: Page, site: Site) -> None:
    root = page.locator(":root")
    await expect(root).to_have_attribute("data-theme", "light")
    await page.emulate_media(color_scheme="dark")
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Use light colors").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "light")
