"""A page that is paused, slow or hidden pauses the source of its events, and memory stays bounded on both sides."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from rxpump.ui.event_json import event_values
from tests.browser.harness import Site, count
from tests.browser.publishing import write_large

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

EVENTS = 4000
EVENT_BYTES = 16 * 1024
MOST_AHEAD = EVENTS // 2
"""Largest number of events in the buffers of the subscription, of the sockets (up to 6 MB) and of Chromium."""


class Encoded:
    """Number of events that the program has taken from the subscription and written as JSON."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events = 0

        def counted(*args: Any, **options: Any) -> dict[str, Any]:
            self.events += 1
            return event_values(*args, **options)

        monkeypatch.setattr("rxpump.ui.routes.live.event_values", counted)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Encoded:
    """The count of encoded events of one test."""
    return Encoded(monkeypatch)


async def watch(page: Page, site: Site) -> None:
    """Open the live view, and wait until it has caught up."""
    await page.goto(site.at("live", stream="large", **{"from": "start"}))
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()


async def received(page: Page) -> int:
    """Return the number of events that the page has received."""
    return int((await count(page, "received").inner_text()).replace(",", ""))


async def settled(site: Site, encoded: Encoded) -> int:
    """Return the number of encoded events when it has not changed during many requests to the same server."""
    unchanged, last = 0, -1
    while unchanged < 100:
        await site.client.ping()
        unchanged, last = (unchanged + 1, last) if encoded.events == last else (0, encoded.events)
    return last


async def test_a_paused_page_pauses_the_source(page: Page, site: Site, encoded: Encoded) -> None:
    await watch(page, site)
    await page.get_by_role("button", name="Pause").click()
    await write_large(site, "large", EVENTS, EVENT_BYTES)
    assert await settled(site, encoded) < MOST_AHEAD
    await page.get_by_role("button", name="Resume").click()
    await expect(count(page, "received")).to_have_text(f"{EVENTS:,}", timeout=60_000)
    assert encoded.events == EVENTS, "no event was requested twice"


async def test_a_slow_page_pauses_the_source(tab: Page, site: Site, encoded: Encoded) -> None:
    await tab.add_init_script(
        "window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 700)"
    )
    await watch(tab, site)
    await write_large(site, "large", EVENTS, EVENT_BYTES)
    ahead = []
    while await received(tab) < EVENTS:
        ahead.append(encoded.events - await received(tab))
    assert 0 < max(ahead) < MOST_AHEAD
    assert encoded.events == EVENTS


async def test_a_hidden_page_resumes_without_a_gap(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("large", "Before")
    await expect(count(page, "received")).to_have_text("1")
    await show(page, False)
    await page.wait_for_function("() => true")
    await site.write("large", "Hidden", "Hidden")
    await show(page, True)
    await expect(count(page, "received")).to_have_text("3")


async def show(page: Page, visible: bool) -> None:
    """Notify the page that its tab was shown or hidden."""
    await page.evaluate(
        """(visible) => {
            Object.defineProperty(document, "hidden", { value: !visible, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        visible,
    )


async def test_the_memory_of_the_browser_is_bounded(page: Page, site: Site) -> None:
    await watch(page, site)
    await write_large(site, "large", EVENTS, EVENT_BYTES)
    await expect(count(page, "received")).to_have_text(f"{EVENTS:,}", timeout=60_000)
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    assert usage["usedSize"] < 12 * 1024 * 1024 < EVENTS * EVENT_BYTES
    assert await page.get_by_role("region", name="Table").locator("tbody tr").count() <= 200
