"""The views of the page with a store that has something for each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page, expect
from reactivex import operators as rx

import rxpump
from tests.browser.harness import Site, count

CORRELATION = "7d9b6a0e-order-1042"
ITEMS = [{"sku": "tea-assam", "count": 2, "price": 12.5}, {"sku": "cup-blue", "count": 1, "price": 18}]


async def fill_store(site: Site) -> None:
    """Write orders, invoices, a deleted and a truncated stream, links, and a group with parked events."""
    for number in range(1040, 1046):
        metadata = {"$correlationId": CORRELATION, "user": "zoe"}
        order = {"order": number, "customer": "zoe@example.com", "items": ITEMS, "paid": False}
        await site.client.publish(
            f"order-{number}",
            [
                rxpump.NewEvent("OrderPlaced", order, metadata=metadata),
                rxpump.NewEvent("OrderPaid", {"order": number, "method": "card", "total": 43}, metadata=metadata),
                rxpump.NewEvent("OrderShipped", {"order": number, "parcel": f"P{number}", "weight_kg": 1.2}),
            ],
        )
    await site.write("stock-tea-assam", *["StockReserved", "StockTaken"] * 40)
    await site.write("invoice-311", "InvoiceSent", "InvoicePaid")
    await site.client.link_to("late-orders", await site.client.get_event("order-1042", 0))
    await site.client.set_metadata("stock-tea-assam", max_count=50)
    await site.write("basket-9", "BasketOpened")
    await site.client.delete_stream("basket-9")
    await site.client.create_subscription("billing", "order-1042", start_from=0)
    await site.client.create_subscription("shipping", "order-1043", start_from=0)
    await _park(site)


async def _park(site: Site) -> None:
    consuming = site.client.connect_subscription("billing", "order-1042").pipe(
        rx.do_action(lambda delivery: delivery.nack(rxpump.NackAction.PARK, "The card was refused")), rx.take(3)
    )
    await consuming


@dataclass(frozen=True)
class View:
    """A view, and the function that opens it with data."""

    name: str
    open: Callable[[Page, Site], Awaitable[None]]


async def _streams(page: Page, site: Site) -> None:
    await page.goto(site.at("streams"))
    await expect(page.get_by_role("link", name="order-1042")).to_be_visible()


async def _stream(page: Page, site: Site) -> None:
    await page.goto(site.at("stream", "order-1042", **{"from": 2}))
    await expect(page.locator(".events .at")).to_have_text(["2", "1", "0"])
    await page.locator("summary", has_text="OrderShipped").click()
    await page.locator("summary", has_text="OrderPlaced").click()
    await expect(page.get_by_role("region", name="Metadata")).to_be_visible()


async def _link(page: Page, site: Site) -> None:
    await page.goto(site.at("stream", "late-orders", **{"from": 0}))
    await expect(page.locator(".ends")).to_be_visible()


async def _correlation(page: Page, site: Site) -> None:
    await page.goto(site.at("correlation", CORRELATION))
    await expect(page.locator(".events .at").first).to_be_visible()


async def _live(page: Page, site: Site) -> None:
    await page.goto(site.at("live", **{"from": "start"}))
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    await expect(count(page, "received")).not_to_have_text("0")
    await expect(page.get_by_role("button", name="Open event").first).to_be_visible()


async def _groups(page: Page, site: Site) -> None:
    await page.goto(site.at("groups"))
    await expect(page.get_by_role("link", name="billing")).to_be_visible()


async def _group(page: Page, site: Site) -> None:
    await page.goto(site.at("group", "order-1042", "billing"))
    await page.locator("summary", has_text="OrderPlaced").click()
    await expect(page.get_by_role("region", name="Data", exact=True)).to_be_visible()


async def _server(page: Page, site: Site) -> None:
    await page.goto(site.at("server"))
    await expect(page.locator(".chart", has_text="Events written")).to_be_visible()


async def _write(page: Page, site: Site) -> None:
    await page.goto(site.at("write", stream="order-1042"))
    append = page.get_by_role("region", name="Append an event")
    await append.get_by_label("Type").fill("OrderReturned")
    await append.get_by_label("Data", exact=True).fill('{\n  "order": 1042,\n  "reason": "broken cup"\n}')


async def _dialog(page: Page, site: Site) -> None:
    await _group(page, site)
    await page.get_by_role("button", name="Clear").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def _nothing(page: Page, site: Site) -> None:
    await page.goto(site.at("stream", "nothing"))
    await expect(page.get_by_text("No such stream")).to_be_visible()


VIEWS = (
    View("streams", _streams),
    View("stream", _stream),
    View("link", _link),
    View("correlation", _correlation),
    View("live", _live),
    View("groups", _groups),
    View("group", _group),
    View("server", _server),
    View("write", _write),
    View("dialog", _dialog),
    View("nothing", _nothing),
)
