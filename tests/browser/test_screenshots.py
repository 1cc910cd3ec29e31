"""The pictures of the docs. `make screenshots` makes them; otherwise the tests only check that each can be made."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.harness import MILLISECONDS, Site, count, new_site
from tests.browser.publishing import trading
from tests.browser.views import VIEWS, View, fill_store

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

MOST_BYTES = 150 * 1024
FOLDER = os.environ.get("SCREENSHOTS")
SHOWN = ("streams", "stream", "groups", "group", "server", "write")
SIZE: ViewportSize = {"width": 1120, "height": 760}


async def picture(page: Page, name: str, folder: Path) -> None:
    """Store a picture of the visible part of the page, and check that it is small enough for the docs."""
    path = folder / f"{name}.png"
    await page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size <= MOST_BYTES


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """The page of a store over gRPC, which shows the most information."""
    async with new_site(grpc=True) as site:
        await fill_store(site)
        yield site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the pictures: that of the docs if it was requested."""
    return tmp_path if FOLDER is None else Path(FOLDER)


@pytest.mark.parametrize("view", [view for view in VIEWS if view.name in SHOWN], ids=lambda view: view.name)
async def test_a_view_has_a_picture(chromium: Browser, site: Site, folder: Path, view: View) -> None:
    async with await chromium.new_context(viewport=SIZE) as context:
        context.set_default_timeout(MILLISECONDS)
        page = await context.new_page()
        async with trading(site):
            await view.open(page, site)
            if view.name == "server":
                await expect(page.locator(".chart", has_text="Events written").get_by_role("img")).to_be_visible()
                await page.wait_for_function(
                    "() => document.querySelector('.trace')?.getAttribute('d').split('L').length > 12"
                )
            await picture(page, view.name, folder)


async def point_at_a_marble(page: Page) -> None:
    """Move the pointer along the first line until it is at a marble."""
    box = await page.locator("canvas").bounding_box()
    assert box is not None
    for x in range(int(box["x"] + box["width"] * 0.7), int(box["x"]), -6):
        await page.mouse.move(x, box["y"] + 31)
        if await page.locator(".marble-card").is_visible():
            return


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_live_marbles_have_a_picture(chromium: Browser, site: Site, folder: Path, theme: str) -> None:
    dark = theme == "dark"
    async with await chromium.new_context(viewport=SIZE, color_scheme="dark" if dark else "light") as context:
        context.set_default_timeout(MILLISECONDS)
        page = await context.new_page()
        await page.goto(site.at("live"))
        await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
        async with trading(site):
            await page.wait_for_function(
                "() => Number(document.querySelector('[data-count=received]')?.textContent) > 75"
            )
        await point_at_a_marble(page)
        await expect(count(page, "received")).not_to_have_text("0")
        await picture(page, "live-dark" if dark else "live", folder)
