"""Measure how smooth the live view is while a program writes: `python -m tests.browser.frames 1000`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from statistics import median, quantiles

from playwright.async_api import Page, async_playwright

from tests.browser.fixtures import ARGUMENTS, CHROMIUM
from tests.browser.harness import new_site
from tests.browser.publishing import publishing

INTERVALS = """(seconds) => new Promise((resolve) => {
    const intervals = [];
    let last = performance.now();
    const end = last + seconds * 1000;
    const step = (now) => {
        intervals.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(step); else resolve(intervals);
    };
    requestAnimationFrame(step);
})"""


@dataclass(frozen=True)
class Frames:
    """The frames of a time.

    Attributes:
        per_second: Number of frames in a second.
        median_ms: Median of the times between two frames in milliseconds.
        slowest_ms: Time between two frames that 99 of 100 do not exceed.
        events_per_second: Number of events that the page received in a second.
        heap_bytes: Bytes of the heap of the page at the end.
    """

    per_second: float
    median_ms: float
    slowest_ms: float
    events_per_second: float
    heap_bytes: int


async def measure(page: Page, seconds: float) -> Frames:
    """Measure the frames of the live view."""
    before = await received(page)
    intervals: list[float] = await page.evaluate(INTERVALS, seconds)
    after = await received(page)
    session = await page.context.new_cdp_session(page)
    heap = await session.send("Runtime.getHeapUsage")
    taken = sum(intervals) / 1000
    slowest = quantiles(intervals, n=100)[-1]
    return Frames(len(intervals) / taken, median(intervals), slowest, (after - before) / taken, heap["usedSize"])


async def received(page: Page) -> int:
    """Return the number of events that the page has received."""
    return int((await page.locator('[data-count="received"]').inner_text()).replace(",", ""))


async def run(per_second: int) -> None:
    """Print the frames of ten seconds while a program writes, after ten seconds to begin with."""
    async with new_site() as site, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await page.goto(site.at("live"))
        await page.get_by_role("status").get_by_text("Live", exact=True).wait_for()
        async with publishing(site, per_second):
            await measure(page, 10)
            print(await measure(page, 10))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1])))
