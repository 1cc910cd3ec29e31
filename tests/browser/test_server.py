"""The view of the server."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.harness import Site, new_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("grpc", [False, True], ids=["tcp", "grpc"])
async def test_the_server_its_members_and_our_connection_are_shown(tab: Page, grpc: bool) -> None:
    async with new_site(grpc=grpc) as site:
        await tab.goto(site.at("server"))
        facts = tab.get_by_role("region", name="Facts")
        await expect(facts).to_contain_text("gRPC" if grpc else "TCP")
        await expect(facts.get_by_text("Our connection").locator("+ dd")).to_contain_text("Connected")
        if grpc:
            await expect(tab.get_by_role("region", name="Members of the cluster")).to_contain_text("leader")
        await tab.goto("about:blank")


async def test_measurements_are_charts(page: Page, site: Site) -> None:
    await page.goto(site.at("server"))
    chart = page.locator(".chart", has_text="Events written")
    await expect(chart).to_be_visible()
    await site.write("orders", *["OrderPlaced"] * 40)
    await expect(chart.get_by_role("img")).not_to_have_attribute(
        "aria-label", "Events written: now 0/s, lowest 0/s, highest 0/s"
    )
    await expect(page.locator(".chart", has_text="Round trip").locator(".now")).to_contain_text("ms")
    await expect(page.get_by_text("Last position seen").locator("+ dd")).to_contain_text("/")
