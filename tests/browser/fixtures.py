"""One Chromium for all tests of a process, and a store with its page for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.harness import MILLISECONDS, Site, new_site, watch_errors

CHROMIUM = shutil.which("chromium")

# Tests run as root in CI, where the sandbox of Chromium does not start.
ARGUMENTS = ["--no-sandbox"]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Chromium of the system."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: tools/install-chromium installs it on Debian")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """The page of an empty store. The page can write."""
    async with new_site() as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def tab(chromium: Browser) -> AsyncIterator[Page]:
    """An empty tab. The test fails if a script of the page has an error."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(MILLISECONDS)
    page = await context.new_page()
    errors = watch_errors(page)
    yield page
    await context.close()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(tab: Page, site: Site) -> Page:
    """A tab with the page of the store, which shows the streams."""
    await tab.goto(site.address)
    return tab
