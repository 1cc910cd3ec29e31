"""The view of the server."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

import rxpump
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing import EmbeddedCluster
from rxpump.ui.context import Context, Options
from rxpump.ui.serve import serving
from tests.browser.harness import MILLISECONDS, Site, new_site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


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


async def test_a_server_with_both_protocols_is_described(tab: Page) -> None:
    """As `rxpump serve --ui` shows it: the page names the address for TCP, and uses gRPC."""
    async with (
        EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server,
        rxpump.connect(server.grpc_uri or "") as client,
        serving(Context.of(client, server.uri, Options()), "127.0.0.1", 0) as address,
    ):
        await tab.goto(f"{address}#/server")
        facts = tab.get_by_role("region", name="Facts")
        await expect(facts.get_by_text("Server", exact=True).locator("+ dd")).to_contain_text("TCP and gRPC")
        await expect(facts.get_by_text("Our connection").locator("+ dd")).to_contain_text(
            f"127.0.0.1:{server.grpc_port}"
        )
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


async def test_the_members_of_a_cluster_follow_a_failover(tab: Page) -> None:
    async with (
        EmbeddedCluster() as cluster,
        rxpump.connect(cluster.grpc_uri) as client,
        serving(Context.of(client, cluster.grpc_uri, Options()), "127.0.0.1", 0) as address,
    ):
        await tab.goto(f"{address}#/server")
        members = tab.get_by_role("region", name="Members of the cluster").locator("tbody")
        await expect(members.get_by_text("leader", exact=True)).to_have_count(1)
        await expect(members.get_by_text("follower", exact=True)).to_have_count(2)
        old = ":".join(map(str, cluster.leader.http_address))
        await cluster.kill(cluster.leader)
        await cluster.elect()
        await expect(members.get_by_role("row", name=old)).to_contain_text("not alive")
        await expect(members.get_by_role("row").filter(has_text="leader").filter(has_not_text=old)).to_have_count(1)
        await tab.goto("about:blank")


async def test_a_page_with_a_password_works_after_it_is_given(chromium: Browser) -> None:
    async with (
        new_site(password="secret") as site,
        await chromium.new_context(http_credentials={"username": "any", "password": "secret"}) as context,
    ):
        context.set_default_timeout(MILLISECONDS)
        page = await context.new_page()
        await page.goto(site.at("live"))
        await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
        await site.write("orders", "OrderPlaced")
        await expect(page.get_by_role("button", name="Open event 0")).to_be_visible()
        await page.goto("about:blank")
