"""Events that try to change the page, or that are hard to show."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

import rxpump
from tests.browser.harness import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

MARKUP = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'><style>*{display:none}</style>"
TURNED = "abc\u202efdp.exe"
INVALID = b"\xff\xfe\x00text\x80"
MEBIBYTE = 1024 * 1024


async def is_hacked(page: Page) -> bool:
    """Return whether text of an event became a script or an element."""
    hacked: bool = await page.evaluate(
        "'hacked' in window || document.querySelector('main img, main style, main script') !== null"
    )
    return hacked


async def test_markup_is_shown_as_text(page: Page, site: Site) -> None:
    event = rxpump.NewEvent(MARKUP, {MARKUP: MARKUP}, metadata={"$correlationId": MARKUP, "note": MARKUP})
    await site.client.publish(MARKUP, [event])
    await expect(page.get_by_role("region", name="Streams").locator("tbody")).to_contain_text(MARKUP)
    assert not await is_hacked(page)
    await page.goto(site.at("stream", MARKUP, **{"from": 0}))
    await expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    await expect(page.get_by_role("region", name="Data", exact=True)).to_contain_text(f'{MARKUP}: "{MARKUP}"')
    assert not await is_hacked(page)
    await page.get_by_role("link", name=MARKUP).last.click()
    await expect(page.locator("details.event .what")).to_have_text(MARKUP)
    assert not await is_hacked(page)


async def test_markup_in_live_events_is_shown_as_text(page: Page, site: Site) -> None:
    await page.goto(site.at("live"))
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    await site.client.publish(MARKUP, [rxpump.NewEvent(MARKUP, {"a": MARKUP})])
    await expect(page.locator(".lanes li")).to_have_text(MARKUP)
    await expect(page.get_by_role("region", name="Table").locator("tbody")).to_contain_text(f'{{"a":"{MARKUP}"}}')
    await page.locator("canvas").focus()
    await page.keyboard.press("End")
    await expect(page.locator(".marble-card")).to_contain_text(MARKUP)
    assert not await is_hacked(page)


async def test_direction_marks_are_shown_by_number(page: Page, site: Site) -> None:
    await site.client.publish(TURNED, [rxpump.NewEvent(TURNED, {"name": TURNED})])
    await page.goto(site.at("stream", TURNED, **{"from": 0}))
    await expect(page.get_by_role("heading", level=1)).to_have_text("abcU+202Efdp.exe")
    await expect(page.get_by_role("region", name="Data", exact=True)).to_contain_text('"abcU+202Efdp.exe"')
    shown = await page.locator("main").inner_text()
    assert "\u202e" not in shown


async def test_right_to_left_text_does_not_reverse_later_text(page: Page, site: Site) -> None:
    await site.client.publish("שלום", [rxpump.NewEvent("حدث", {"n": 1})])
    row = page.get_by_role("region", name="Streams").locator("tbody tr")
    await expect(row.locator("a")).to_have_text("שלום")
    directions = await page.evaluate(
        "['main', 'tbody tr'].map((s) => getComputedStyle(document.querySelector(s)).direction)"
    )
    assert directions == ["ltr", "ltr"]


async def test_bytes_that_are_not_utf_8_are_shown_in_hexadecimal(page: Page, site: Site) -> None:
    await site.client.publish("binary", [rxpump.NewEvent("Binary", INVALID)])
    await page.goto(site.at("stream", "binary", **{"from": 0}))
    data = page.get_by_role("region", name="Data", exact=True)
    await expect(data).to_contain_text("binary, 8 bytes")
    await expect(data).to_contain_text("000000  ff fe 00 74 65 78 74 80")
    await expect(data).to_contain_text("...text.")


async def test_invalid_json_is_shown_as_text(page: Page, site: Site) -> None:
    event = rxpump.NewEvent("Odd", b'{"a": 1, "a": 2, "deep": ' + b"[" * 60_000, is_json=True)
    await site.client.publish("odd", [event])
    await page.goto(site.at("stream", "odd", **{"from": 0}))
    await expect(page.get_by_role("region", name="Data", exact=True)).to_contain_text('{"a": 1, "a": 2, "deep": [[[')


async def test_deep_json_is_folded(page: Page, site: Site) -> None:
    event = rxpump.NewEvent("Deep", b"[" * 900 + b"]" * 900, is_json=True)
    await site.client.publish("deep", [event])
    await page.goto(site.at("stream", "deep", **{"from": 0}))
    data = page.get_by_role("region", name="Data", exact=True)
    await expect(data.locator("details[open]")).to_have_count(4)
    for _ in range(60):
        await data.locator("details:not([open]) > summary").click()
    await expect(data).to_contain_text("more than 64 levels")


async def test_16_mebibytes_are_shown_in_parts(page: Page, site: Site) -> None:
    text = b'{"fill": "' + b"x" * (15 * MEBIBYTE) + b'"}'
    await site.client.publish("large", [rxpump.NewEvent("Large", text, is_json=True)])
    await page.goto(site.at("stream", "large", **{"from": 0}))
    data = page.get_by_role("region", name="Data", exact=True)
    await expect(data).to_contain_text("These are the first 64 KiB.")
    await data.get_by_role("button", name="Load all 15 MiB").click()
    more = data.get_by_role("button", name="Show more (0 % shown)")
    await expect(more).to_be_visible()
    await more.click()
    await expect(data.locator("pre")).to_have_count(2)


async def test_a_live_event_of_16_mebibytes_is_listed(page: Page, site: Site) -> None:
    await page.goto(site.at("live"))
    await expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    await site.client.publish("large", [rxpump.NewEvent("Large", b"\xff" * (15 * MEBIBYTE))])
    await expect(page.get_by_role("button", name="Open event 0")).to_be_visible()
    await page.get_by_role("button", name="Open event 0").click()
    await expect(page.get_by_role("region", name="Data", exact=True)).to_contain_text("binary, 15 MiB")
