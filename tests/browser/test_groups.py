"""Consumer groups, their parked events, and the changes of these, each after a confirmation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from tests.browser.harness import Site, new_site, rows

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


@pytest_asyncio.fixture(loop_scope="session", params=["tcp", "grpc"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """The page of a store with three parked events, over each protocol."""
    async with new_site(grpc=request.param == "grpc") as site:
        await site.client.create_subscription("billing", "orders", start_from=0)
        await site.write("orders", "OrderPlaced", "OrderPaid", "OrderShipped")
        await park(site)
        yield site


async def park(site: Site) -> None:
    """Park the three events of the stream."""
    consuming = site.client.connect_subscription("billing", "orders").pipe(
        rx.do_action(lambda delivery: delivery.nack(rxpump.NackAction.PARK, f"no bill for {delivery.event.type}")),
        rx.take(3),
    )
    await consuming


def events(page: Page) -> Locator:
    """Return the parked events."""
    return page.get_by_role("region", name="Parked events").locator("details.event")


async def open_group(page: Page, site: Site) -> None:
    """Open the view of the group, with its parked events."""
    await page.goto(site.at("group", "orders", "billing"))
    await expect(events(page)).to_have_count(3)


async def test_groups_are_listed(page: Page, site: Site) -> None:
    await page.goto(site.at("groups"))
    await expect(page.get_by_role("table").locator("tbody tr")).to_have_count(1)
    (row,) = await rows(page.get_by_role("table"))
    assert row[:2] == ["billing", "orders"]
    assert row[-1] == "3"
    await page.get_by_role("link", name="billing").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("billing")


async def test_a_group_whose_name_is_dots_is_shown(page: Page, site: Site) -> None:
    await site.client.create_subscription("..", ".", start_from=0)
    await page.goto(site.at("group", ".", ".."))
    await expect(page.get_by_role("heading", level=1)).to_have_text("..")
    await expect(page.get_by_role("region", name="Settings")).to_be_visible()


async def test_a_group_has_settings_and_counts(page: Page, site: Site) -> None:
    await open_group(page, site)
    facts = page.get_by_role("region", name="Facts")
    await expect(facts.get_by_text("Parked", exact=True).locator("+ dd")).to_have_text("3")
    settings = page.get_by_role("region", name="Settings")
    await expect(settings.get_by_text("Max retry count").locator("+ dd")).to_have_text("10")


async def test_parked_events_have_their_data_and_reason(page: Page, site: Site) -> None:
    await open_group(page, site)
    await expect(events(page).nth(1).locator("summary .badge")).to_have_text("no bill for OrderPaid")
    await events(page).nth(1).locator("summary").click()
    await expect(events(page).nth(1)).to_contain_text("no bill for OrderPaid")
    await expect(events(page).nth(1).get_by_role("region", name="Data")).to_contain_text("n: 1")


async def test_a_question_that_is_canceled_changes_nothing(page: Page, site: Site) -> None:
    await open_group(page, site)
    await page.get_by_role("button", name="Clear").click()
    await expect(page.get_by_role("dialog")).to_contain_text("3 events")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert len([event async for event in site.client.iter("$persistentsubscription-orders::billing-parked")]) == 3


async def test_a_question_ends_when_another_view_is_opened(page: Page, site: Site) -> None:
    await open_group(page, site)
    await page.get_by_role("button", name="Clear").click()
    await page.goto(site.at("streams"))
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_all_parked_events_are_replayed(page: Page, site: Site) -> None:
    await open_group(page, site)
    await page.get_by_role("button", name="Replay").click()
    await page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    await expect(page.get_by_text("The server replays the events.")).to_be_visible()
    replayed = await site.client.connect_subscription("billing", "orders").pipe(
        rx.map(lambda delivery: delivery.event.type), rx.take(3), rx.to_list()
    )
    assert sorted(replayed) == ["OrderPaid", "OrderPlaced", "OrderShipped"]


@pytest.mark.parametrize("site", ["grpc"], indirect=True)
async def test_one_parked_event_is_retried(page: Page, site: Site) -> None:
    await open_group(page, site)
    await events(page).first.locator("summary").click()
    await events(page).first.get_by_role("button", name="Retry this event").click()
    await page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    await expect(page.get_by_text("The server delivers the event again.")).to_be_visible()
    consuming = site.client.connect_subscription("billing", "orders").pipe(rx.first(), ops.ack_each())
    assert (await consuming).type == "OrderPlaced"
    await expect(events(page)).to_have_count(2)


@pytest.mark.parametrize("site", ["tcp"], indirect=True)
async def test_an_event_that_cannot_be_retried_alone_has_a_reason(page: Page, site: Site) -> None:
    await open_group(page, site)
    await events(page).first.locator("summary").click()
    await expect(events(page).first).to_contain_text("replays all parked events together")


async def test_parked_events_are_cleared(page: Page, site: Site) -> None:
    await open_group(page, site)
    await page.get_by_role("button", name="Clear").click()
    await page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    await expect(page.get_by_text("The parked events are cleared.")).to_be_visible()
    await expect(page.get_by_text("No parked events")).to_be_visible()
