"""Rules that every view keeps: nothing from other hosts, and a marker for each type."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Request, expect

from tests.browser.harness import Site
from tests.browser.views import VIEWS, fill_store

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

MARKERS = 24


async def test_nothing_is_requested_from_other_hosts(tab: Page, site: Site) -> None:
    requested: list[str] = []

    def on_request(request: Request) -> None:
        requested.append(request.url)

    tab.on("request", on_request)
    await fill_store(site)
    for view in VIEWS:
        await view.open(tab, site)
    assert len(requested) > 50
    assert [url for url in requested if not url.startswith(site.address)] == []


async def test_a_type_keeps_its_marker(page: Page, site: Site) -> None:
    await site.write("orders", *[f"Type{n}" for n in range(MARKERS)])
    first = await markers(page, site, "orders", MARKERS)
    assert len(set(first)) == MARKERS
    assert await markers(page, site, "orders", MARKERS) == first


async def test_a_new_type_takes_the_marker_of_an_old_one(page: Page, site: Site) -> None:
    await site.write("orders", *[f"Type{n}" for n in range(MARKERS)])
    await markers(page, site, "orders", MARKERS)
    await site.write("invoices", *[f"Invoice{n}" for n in range(MARKERS)])
    await page.goto("about:blank")  # the next view is that of a new page
    assert len(set(await markers(page, site, "invoices", MARKERS))) == MARKERS


async def test_more_types_than_markers_are_shown(page: Page, site: Site) -> None:
    await site.write("orders", *[f"Type{n}" for n in range(2 * MARKERS)])
    assert len(set(await markers(page, site, "orders", 2 * MARKERS))) == MARKERS


async def markers(page: Page, site: Site, stream: str, count: int) -> list[str]:
    """Return the color and the shape of each event of a stream, in a page that was loaded again."""
    await page.goto(site.at("stream", stream))
    await page.reload()
    found = page.locator(".events .marker")
    await expect(found).to_have_count(count)
    shown: list[str] = await found.evaluate_all(
        "(all) => all.map((one) => one.getAttribute('class') + one.innerHTML)"
    )
    return shown
