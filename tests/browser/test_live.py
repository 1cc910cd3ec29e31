"""Live events: marbles that move, a table that grows, and counts of what was left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, expect

import rxpump
from tests.browser.harness import Site, rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@asynccontextmanager
async def publishing(site: Site, per_second: int) -> AsyncIterator[None]:
    """Write events at a steady rate during the block."""

    async def run() -> None:
        number = 0
        while True:
            batch = [rxpump.NewEvent(f"Type{n % 5}", {"n": number + n}) for n in range(max(1, per_second // 20))]
            await site.client.publish("busy", batch)
            number += len(batch)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()


async def watch(page: Page, site: Site, **query: str | int) -> None:
    """Open the live view, and wait until it has caught up."""
    await page.goto(site.at("live", **query))
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()


async def test_a_new_event_appears_in_the_table(page: Page, site: Site) -> None:
    await watch(page, site)
    await site.write("orders", "OrderPlaced", "OrderPaid")
    table = page.get_by_role("region", name="Table")
    await expect(table.get_by_role("button", name="Open event")).to_have_count(2)
    assert [row[:3] for row in await rows(table) if len(row) == 5] == [
        ["orders", "1", "OrderPaid"],
        ["orders", "0", "OrderPlaced"],
    ]
